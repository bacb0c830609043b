// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { VotesUpgradeable } from "@openzeppelin/contracts-upgradeable/governance/utils/VotesUpgradeable.sol";
import {
    ERC20VotesUpgradeable
} from "@openzeppelin/contracts-upgradeable/token/ERC20/extensions/ERC20VotesUpgradeable.sol";
import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { ICommunityVotes } from "../interfaces/ICommunityVotes.sol";
import { IConsentRegistry } from "../interfaces/IConsentRegistry.sol";
import { MerkleTree } from "../libraries/MerkleTree.sol";

/// @title CommunityVotes
/// @notice See {ICommunityVotes}. What every community's votes are a clone of.
contract CommunityVotes is ICommunityVotes, ERC20VotesUpgradeable {
    /// @dev Totals are kept as checkpoints of 208 bits.
    uint256 internal constant MAX_CAP = type(uint208).max;

    /// @inheritdoc ICommunityVotes
    address public immutable registry;
    /// @inheritdoc ICommunityVotes
    address public immutable consents;

    /// @inheritdoc ICommunityVotes
    address public timelock;
    /// @inheritdoc ICommunityVotes
    uint256 public cap;
    /// @inheritdoc ICommunityVotes
    uint256 public votesPerRecord;

    mapping(uint128 datasetId => mapping(uint32 version => Snapshot)) private _snapshots;
    mapping(bytes32 commitment => Holding) private _holdings;

    /// @dev The implementation itself can never be initialised.
    constructor(IConsentRegistry consents_) {
        consents = address(consents_);
        registry = consents_.registry();
        _disableInitializers();
    }

    /// @inheritdoc ICommunityVotes
    function initialize(string calldata name_, string calldata symbol_, address timelock_, Emission calldata emission)
        external
        initializer
    {
        // Check.
        if (emission.cap > MAX_CAP) revert Community_BadCap(emission.cap);
        if (emission.votesPerRecord == 0) revert Community_ZeroVotes();

        // Effect.
        __ERC20_init(name_, symbol_);
        __EIP712_init("Tributary", "1");
        timelock = timelock_;
        cap = emission.cap;
        votesPerRecord = emission.votesPerRecord;
        for (uint256 i = 0; i < emission.founders.length; ++i) {
            Founder calldata founder = emission.founders[i];
            if (founder.votes == 0) revert Community_ZeroVotes();
            _mintCapped(founder.account, founder.votes);
        }
    }

    /// @inheritdoc ICommunityVotes
    function acceptSnapshot(uint128 datasetId, uint32 version, uint64 leafCount) external {
        // Check.
        if (msg.sender != timelock) revert Community_NotTimelock(msg.sender);
        if (IERC721(registry).ownerOf(datasetId) != timelock) revert Community_NotOwned(datasetId);
        if (IAssetRegistry(registry).assetOf(datasetId).kind != IAssetRegistry.AssetKind.DATASET) {
            revert Community_NotADataset(datasetId);
        }
        if (leafCount == 0 || leafCount > MerkleTree.MAX_LEAVES) revert Community_BadLeafCount(leafCount);
        IAssetRegistry.Version memory snapshot = IAssetRegistry(registry).versionOf(datasetId, version);

        // Effect.
        _snapshots[datasetId][version] =
            Snapshot({ root: snapshot.contentHash, leafCount: leafCount, publishedAt: snapshot.publishedAt });

        // Log.
        emit SnapshotAccepted({
            datasetId: datasetId, version: version, root: snapshot.contentHash, leafCount: leafCount
        });
    }

    /// @inheritdoc ICommunityVotes
    function mint(Acceptance calldata acceptance) external {
        if (!_count(acceptance)) {
            bytes32 commitment = acceptance.commitment;
            revert Community_AlreadyCounted(commitment, _holdings[commitment].contributor);
        }
    }

    /// @inheritdoc ICommunityVotes
    function mintMany(Acceptance[] calldata acceptances) external returns (uint256 counted) {
        for (uint256 i = 0; i < acceptances.length; ++i) {
            if (_count(acceptances[i])) ++counted;
        }
    }

    /// @inheritdoc ICommunityVotes
    function snapshotOf(uint128 datasetId, uint32 version) external view returns (Snapshot memory) {
        return _snapshots[datasetId][version];
    }

    /// @inheritdoc ICommunityVotes
    function holdingOf(bytes32 commitment) external view returns (Holding memory) {
        return _holdings[commitment];
    }

    /// @notice Votes are counted in whole ones.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @notice Now, in seconds since 1970 (ERC-6372).
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice What the clock counts (ERC-6372).
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice To whom an account's votes go: itself, until it says otherwise.
    function delegates(address account) public view override returns (address) {
        address delegatee = super.delegates(account);
        return delegatee == address(0) ? account : delegatee;
    }

    /// @dev Delegating to nobody is delegating to oneself, or the votes of `delegates` and those counted would differ.
    function _delegate(address account, address delegatee) internal override {
        super._delegate(account, delegatee == address(0) ? account : delegatee);
    }

    /// @dev Votes come and go with records and never change hands.
    function _update(address from, address to, uint256 votes) internal override {
        if (from != address(0) && to != address(0)) revert Community_NotTransferable();
        super._update(from, to, votes);
    }

    /// @dev Counts a record for its contributor; false if it was counted already, for this contribution or one that was
    /// not recorded later.
    function _count(Acceptance calldata acceptance) private returns (bool) {
        // Check.
        (bytes32 contributionId, uint64 recordedAt) = _checkConsent(acceptance);
        bytes32 commitment = acceptance.commitment;
        address contributor = acceptance.contribution.contributor;
        Holding memory holding = _holdings[commitment];
        bool isCounted = holding.contributor != address(0);
        if (isCounted && holding.recordedAt <= recordedAt) return false;

        // Effect: the contribution that was recorded first has the record.
        uint256 votes = votesPerRecord;
        _holdings[commitment] = Holding({ contributor: contributor, recordedAt: recordedAt });
        if (isCounted) {
            _burn(holding.contributor, votes);
            emit RecordReclaimed({ commitment: commitment, from: holding.contributor, votes: votes });
        }
        _mintCapped(contributor, votes);

        // Log.
        emit RecordCounted({
            commitment: commitment, contributionId: contributionId, contributor: contributor, votes: votes
        });
        return true;
    }

    function _mintCapped(address account, uint256 votes) private {
        // Check.
        uint256 total = totalSupply();
        if (votes > cap - total) revert Community_CapExceeded(votes, cap);

        // Effect.
        _mint(account, votes);
    }

    /// @dev The record is in an accepted snapshot and in a contribution whose consent was recorded before it and stands.
    function _checkConsent(Acceptance calldata acceptance)
        private
        view
        returns (bytes32 contributionId, uint64 recordedAt)
    {
        IConsentRegistry.Contribution calldata contribution = acceptance.contribution;
        bytes32 commitment = acceptance.commitment;
        Snapshot memory snapshot = _snapshots[contribution.datasetId][acceptance.version];
        if (snapshot.leafCount == 0) {
            revert Community_SnapshotNotAccepted(contribution.datasetId, acceptance.version);
        }

        IConsentRegistry consents_ = IConsentRegistry(consents);
        contributionId = consents_.hashContribution(contribution);
        recordedAt = consents_.consentOf(contributionId).recordedAt;
        if (recordedAt == 0) revert Community_NoConsent(contributionId);
        if (consents_.isRecordWithdrawn(contributionId, commitment)) {
            revert Community_Withdrawn(contributionId, commitment);
        }
        // Commitments may become known with the snapshot, so a contribution made from then on proves nothing.
        if (recordedAt >= snapshot.publishedAt) {
            revert Community_RecordedTooLate(contributionId, recordedAt, snapshot.publishedAt);
        }

        if (!MerkleTree.verify(
                contribution.commitment, commitment, acceptance.index, contribution.records, acceptance.proof
            )) revert Community_NotInContribution(contributionId, commitment);
        if (!MerkleTree.verify(
                snapshot.root, commitment, acceptance.snapshotIndex, snapshot.leafCount, acceptance.snapshotProof
            )) revert Community_NotInSnapshot(contribution.datasetId, acceptance.version, commitment);
    }
}
