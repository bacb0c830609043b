// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { CommunityTimelock } from "../../../contracts/community/CommunityTimelock.sol";
import { CommunityVotes } from "../../../contracts/community/CommunityVotes.sol";
import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { ICommunityFactory } from "../../../contracts/interfaces/ICommunityFactory.sol";
import { ICommunityVotes } from "../../../contracts/interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../../../contracts/interfaces/IConsentRegistry.sol";
import { CommunityFixture } from "../../utils/CommunityFixture.sol";
import { MerkleTreeBuilder } from "../../utils/MerkleTreeBuilder.sol";

/// @title Voters
/// @notice Contributors, some of whom give records that are not theirs, and a community that counts records until its
/// votes run out. Nothing is asked of the contracts that is written down here.
contract Voters is CommunityFixture {
    /// @dev A contribution of three records of the nine there are.
    struct Given {
        IConsentRegistry.Contribution contribution;
        bytes32 id;
        uint256 first;
        uint256 recordedAt;
        bool isWithdrawn;
    }

    struct Published {
        uint32 version;
        uint256 first;
        uint256 count;
        uint256 publishedAt;
    }

    struct Counted {
        address contributor;
        uint256 recordedAt;
    }

    uint256 public constant RECORDS = 9;
    uint256 public constant VOTERS = 5;
    /// @dev With the founders' hundred, enough for four records and a rest.
    uint256 public constant SMALL_CAP = 113;
    uint256 internal constant GIVEN = 3;

    uint256 public clock;
    CommunityVotes public community;
    CommunityTimelock internal keeper;
    uint128 internal dataset;
    bytes32[] internal records;

    Given[] internal _given;
    Published[] internal _published;
    mapping(uint256 record => Counted) internal _counted;
    mapping(uint256 given => mapping(uint256 offset => bool)) internal isRecordWithdrawn;
    uint256 public countedRecords;
    mapping(address account => uint256) public balances;
    mapping(address account => address) internal delegates;

    mapping(bytes32 what => uint256) public reached;
    bytes32[] internal _violations;

    constructor() {
        setUp();
        clock = vm.getBlockTimestamp();
        ICommunityFactory.Charter memory charter = _charter();
        (charter.salt, charter.emissionCap) = ("a small community", SMALL_CAP);
        vm.prank(creator);
        (ICommunityFactory.Community memory made, uint128[] memory assetIds) = communities.create(charter, _ours());
        (community, keeper) = (CommunityVotes(made.votes), CommunityTimelock(payable(made.timelock)));
        dataset = assetIds[0];
        records = _commitments("all there are", RECORDS);
        (balances[ada], balances[ben]) = (60, 40);
    }

    modifier step() {
        vm.warp(clock);
        _;
        clock += 1 minutes;
    }

    // What invariants look at

    function voter(uint256 index) public returns (address) {
        if (index == 0) return ada;
        return index == 1 ? ben : vm.addr(_keyOf(index));
    }

    function recordAt(uint256 index) external view returns (bytes32, Counted memory) {
        return (records[index], _counted[index]);
    }

    /// @dev The votes that an account casts: of all who delegate to it, to begin with of itself.
    function votesOf(address account) external returns (uint256 total) {
        for (uint256 i = 0; i < VOTERS; ++i) {
            address delegatee = delegates[voter(i)] == address(0) ? voter(i) : delegates[voter(i)];
            if (delegatee == account) total += balances[voter(i)];
        }
    }

    function violations() external view returns (bytes32[] memory) {
        return _violations;
    }

    // Actions

    function give(uint256 seed) external step {
        if (_given.length == 8) return;
        uint256 first = (seed >> 8) % (RECORDS - GIVEN + 1);
        (IConsentRegistry.Contribution memory contribution, bytes32 id) =
            _give(dataset, _keyOf(2 + seed % 3), _range(first, GIVEN));
        Given storage given = _given.push();
        given.contribution = contribution;
        (given.id, given.first, given.recordedAt) = (id, first, clock);
    }

    function publish(uint256 seed) external step {
        if (_published.length == 4) return;
        uint256 first = seed % (RECORDS - GIVEN);
        uint256 count = GIVEN + (seed >> 8) % (RECORDS - 2 - first);
        vm.startPrank(address(keeper));
        uint32 version =
            registry.publish(dataset, MerkleTreeBuilder.root(_range(first, count)), keccak256("manifest"), "");
        community.acceptSnapshot(dataset, version, uint64(count));
        vm.stopPrank();
        _published.push(Published({ version: version, first: first, count: count, publishedAt: clock }));
    }

    function mint(uint256 seed) external step {
        if (_given.length == 0 || _published.length == 0) return;
        _mint(seed % _given.length, (seed >> 8) % _published.length, (seed >> 16) % GIVEN);
    }

    /// @notice All of a contribution, by one snapshot.
    function mintAll(uint256 seed) external step {
        if (_given.length == 0 || _published.length == 0) return;
        for (uint256 i = 0; i < GIVEN; ++i) {
            _mint(seed % _given.length, (seed >> 8) % _published.length, i);
        }
    }

    /// @notice All of a contribution, or one record of it. What was counted stays counted.
    function withdraw(uint256 seed) external step {
        if (_given.length == 0 || seed % 3 == 0) return;
        uint256 index = (seed >> 8) % _given.length;
        uint256 offset = (seed >> 16) % GIVEN;
        Given storage given = _given[index];
        if (given.isWithdrawn || isRecordWithdrawn[index][offset]) return;
        bytes32[] memory range = _range(given.first, GIVEN);
        vm.prank(given.contribution.contributor);
        if (seed % 3 == 1) {
            consents.withdraw(given.id);
            given.isWithdrawn = true;
        } else {
            consents.withdrawRecord(
                given.contribution, range[offset], uint64(offset), MerkleTreeBuilder.prove(range, offset)
            );
            isRecordWithdrawn[index][offset] = true;
        }
    }

    function delegate(uint256 seed) external step {
        address from = voter(seed % VOTERS);
        address to = (seed >> 8) % 3 == 0 ? address(0) : voter((seed >> 16) % VOTERS);
        vm.prank(from);
        community.delegate(to);
        delegates[from] = to;
    }

    /// @notice Votes are nobody's to sell.
    function transfer(uint256 seed) external step {
        vm.prank(voter(seed % VOTERS));
        try community.transfer(voter((seed >> 8) % VOTERS), 1) {
            _violations.push("votes were sold");
        } catch { }
    }

    function wait_(uint256 seed) external step {
        clock += _bound(seed, 1 minutes, 3 days);
    }

    // What it comes to

    /// @dev The one recorded first has a record; a record in a snapshot published no later than that is nobody's.
    function _mint(uint256 givenIndex, uint256 publishedIndex, uint256 offset) private {
        Given storage given = _given[givenIndex];
        Published storage published = _published[publishedIndex];
        uint256 record = given.first + offset;
        if (record < published.first || record >= published.first + published.count) return;
        ICommunityVotes.Acceptance memory acceptance = _acceptance(
            given.contribution,
            _range(given.first, GIVEN),
            offset,
            published.version,
            _range(published.first, published.count),
            record - published.first
        );
        Counted memory held = _counted[record];
        bool isGood =
            !given.isWithdrawn && !isRecordWithdrawn[givenIndex][offset] && given.recordedAt < published.publishedAt;
        if (held.contributor != address(0)) {
            isGood = isGood && given.recordedAt < held.recordedAt;
        } else {
            bool isRoom = 100 + (countedRecords + 1) * VOTES_PER_RECORD <= SMALL_CAP;
            if (isGood && !isRoom) ++reached["cap reached"];
            isGood = isGood && isRoom;
        }
        try community.mint(acceptance) {
            if (!isGood) _violations.push("votes out of turn");
            _count(given, record, held);
        } catch {
            if (isGood) _violations.push("refused votes");
            ++reached["refused"];
        }
    }

    function _count(Given storage given, uint256 record, Counted memory held) private {
        address contributor = given.contribution.contributor;
        if (held.contributor == address(0)) {
            ++countedRecords;
            ++reached["counted"];
        } else {
            balances[held.contributor] -= VOTES_PER_RECORD;
            ++reached["reclaimed"];
        }
        balances[contributor] += VOTES_PER_RECORD;
        _counted[record] = Counted({ contributor: contributor, recordedAt: given.recordedAt });
    }

    function _ours() private view returns (IAssetRegistry.Registration[] memory assets) {
        assets = new IAssetRegistry.Registration[](1);
        assets[0] = _dataset("their dataset");
    }

    function _range(uint256 first, uint256 count) private view returns (bytes32[] memory range) {
        range = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            range[i] = records[first + i];
        }
    }

    function _keyOf(uint256 index) private pure returns (uint256) {
        return 0xC0117 + index;
    }
}
