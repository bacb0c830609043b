// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";
import { Policies } from "./Policies.sol";
import { Tellers } from "./Tellers.sol";

/// @title Roots
/// @notice A quorum that posts, honestly or not, and the chain of roots that comes of it.
abstract contract Roots is Tellers, Policies {
    /// @dev A posted root that was not rejected.
    struct Posted {
        bytes32 root;
        uint128 sum;
        uint64 activeAt;
        uint64 periodEnd;
        bytes32 prevRoot;
    }

    /// @dev What stands on a pair's newest root.
    struct Stake {
        address poster;
        uint256 bond;
        uint256 policy;
        /// Open if there is a challenger.
        address challenger;
        uint256 challengeBond;
        uint64 until;
        uint64 activeAt;
        bool wasChallenged;
        uint256 doublings;
    }

    enum Fault {
        DROPPED,
        LOWERED,
        DISORDERED,
        DOUBLED
    }

    uint64 internal constant NEVER = type(uint40).max;
    bytes32 internal constant DATA = keccak256("batch");

    mapping(uint256 pair => Posted[]) internal _chains;
    /// @dev A root's leaves: account in the high bits, cumulative payout in the low 96.
    mapping(uint256 pair => mapping(uint256 index => uint256[])) private _leavesOf;
    mapping(uint256 pair => mapping(uint256 index => uint256)) public attempts;
    mapping(uint256 pair => Stake) internal _stakes;
    mapping(address account => uint256) public bonds;
    uint256 public coinInBonds;
    mapping(uint256 pair => uint256) public fallbackAt;
    /// @dev The pairs whose newest root nobody has looked at yet, one bit each.
    uint256 internal unseen;

    address[2] internal posters = [makeAddr("poster"), makeAddr("other poster")];

    // What invariants look at

    function chainLength(uint256 pair) external view returns (uint256) {
        return _chains[pair].length;
    }

    function postedAt(uint256 pair, uint256 index) external view returns (Posted memory) {
        return _chains[pair][index - 1];
    }

    function stakeAt(uint256 pair) external view returns (Stake memory) {
        return _stakes[pair];
    }

    /// @dev The newest root that is active now; 0 for none.
    function newestActive(uint256 pair) public view returns (uint256 index) {
        index = _chains[pair].length;
        if (index != 0 && !_isActive(pair, index)) --index;
    }

    function leavesOf(uint256 pair, uint256 index) public view returns (SumTreeBuilder.Leaf[] memory leaves) {
        uint256[] storage packed = _leavesOf[pair][index];
        leaves = new SumTreeBuilder.Leaf[](packed.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            uint256 leaf = packed[i];
            leaves[i] = SumTreeBuilder.Leaf({ account: address(uint160(leaf >> 96)), cumulative: uint96(leaf) });
        }
    }

    function sumOf(uint256 pair, uint256 index) public view returns (uint256) {
        return index == 0 ? 0 : _chains[pair][index - 1].sum;
    }

    // Actions

    function post(uint256 seed) external step {
        _postNext(_pair(seed), seed);
    }

    /// @notice A quorum that takes something from somebody, or hides it in a tree out of order.
    function postFaulty(uint256 seed) external step {
        _postFaulty(_pair(seed), seed);
    }

    function postMany(uint256 seed) external step {
        uint256[2] memory pairs = [_pair(seed), _mix(seed, "second pair") % PAID_PAIRS];
        if (pairs[0] == pairs[1] || !_mayPost(pairs[0]) || !_mayPost(pairs[1])) return;
        _touch(pairs[1]);
        IAttributionLedger.RootStatement[] memory statements = new IAttributionLedger.RootStatement[](2);
        IAttributionLedger.Attestation[][] memory attestations = new IAttributionLedger.Attestation[][](2);
        address poster = posters[seed % 2];
        uint256 value = 0;
        for (uint256 i = 0; i < 2; ++i) {
            SumTreeBuilder.Leaf[] memory leaves = _allot(pairs[i], seed);
            if (leaves.length == 0) return;
            (statements[i], attestations[i]) = _signed(pairs[i], leaves);
        }
        for (uint256 i = 0; i < 2; ++i) {
            value += _record(pairs[i], poster, statements[i], _allot(pairs[i], seed));
        }
        _payBonds(poster, value);
        vm.prank(poster);
        ledger.postMany{ value: value }(statements, attestations);
        _reach("posted many");
    }

    /// @notice A whole epoch at once, without which random actions would rarely reach a second active root.
    function settle(uint256 seed, uint256 amount) external step {
        uint256 pair = _pair(seed);
        _pay(pair, seed, amount);
        _distribute(pair);
        _postNext(pair, seed);
        _passWindow(pair);
    }

    /// @notice As long as nobody looks, a faulty root is active in the end.
    function cheat(uint256 seed) external step {
        uint256 pair = _pair(seed);
        _postFaulty(pair, seed);
        _passWindow(pair);
    }

    /// @notice A statement that a quorum signed and that does not follow: nothing of it is taken.
    function postUnfit(uint256 seed) external step {
        uint256 pair = _pair(seed);
        if (!_mayPost(pair)) return;
        SumTreeBuilder.Leaf[] memory leaves = _allot(pair, seed);
        if (leaves.length == 0) return;
        (IAttributionLedger.RootStatement memory statement,) = _signed(pair, leaves);
        uint256 signers = policyOf(pair / TOKENS, policyIndex(pair / TOKENS)).threshold;
        uint256 kind = _mix(seed, "unfit") % 7;
        if (kind == 0) statement.prevRoot = keccak256("another");
        if (kind == 1) ++statement.index;
        if (kind == 2) ++statement.attempt;
        if (kind == 3) statement.sum = uint128(_books[pair].pool - _books[pair].fallenBack + 1);
        if (kind == 4) {
            if (statement.prevRoot == 0) return;
            statement.sum = uint128(sumOf(pair, newestActive(pair)) - 1);
        }
        if (kind == 5) --signers;
        if (kind == 6) statement.periodEnd = uint64(clock + 1);
        IAttributionLedger.Attestation[] memory attestations = _attest(statement, signers);
        uint256 value = 10 ether;
        vm.deal(posters[0], posters[0].balance + value);
        vm.prank(posters[0]);
        try ledger.post{ value: value }(statement, attestations) {
            _violate("an unfit root was taken");
        } catch {
            vm.deal(posters[0], posters[0].balance - value);
            _reach("unfit root refused");
        }
    }

    // The quorum

    function _postNext(uint256 pair, uint256 seed) internal {
        if (!_mayPost(pair)) return;
        SumTreeBuilder.Leaf[] memory leaves = _allot(pair, seed);
        if (leaves.length == 0) return;
        _post(pair, seed, leaves);
    }

    /// @dev Whether the newest root is active, or will be rejected by the post because nobody ruled on it.
    function _mayPost(uint256 pair) internal view returns (bool) {
        uint256 count = _chains[pair].length;
        if (count == 0) return true;
        if (_chains[pair][count - 1].activeAt == NEVER) {
            return clock > _stakes[pair].until && (count == 1 || clock > _chains[pair][count - 2].periodEnd);
        }
        return _isActive(pair, count) && clock > _chains[pair][count - 1].periodEnd;
    }

    function _isActive(uint256 pair, uint256 index) internal view returns (bool) {
        return clock >= _chains[pair][index - 1].activeAt;
    }

    /// @dev The last active root's payouts, and part of what is unallotted, or all of it, on top.
    function _allot(uint256 pair, uint256 seed) internal view returns (SumTreeBuilder.Leaf[] memory leaves) {
        uint256 last = newestActive(pair);
        uint256[ACCOUNTS] memory amounts;
        SumTreeBuilder.Leaf[] memory before = leavesOf(pair, last);
        for (uint256 i = 0; i < before.length; ++i) {
            amounts[_placeOf(before[i].account)] += before[i].cumulative;
        }
        seed = _mix(seed, "allot");
        uint256 room = _books[pair].pool - _books[pair].fallenBack - sumOf(pair, last);
        if (seed % 4 != 0) room = (seed >> 8) % (room + 1);
        uint256 part = (seed >> 136) % (room + 1);
        amounts[(seed >> 2) % ACCOUNTS] += part;
        amounts[(seed >> 4) % ACCOUNTS] += room - part;

        leaves = new SumTreeBuilder.Leaf[](ACCOUNTS);
        uint256 count = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (amounts[i] == 0) continue;
            leaves[count++] = SumTreeBuilder.Leaf({ account: accounts[i], cumulative: uint128(amounts[i]) });
        }
        _resize(leaves, count);
    }

    /// @dev Makes one fault, if the leaves give room for it.
    function _spoil(uint256 pair, uint256 seed, SumTreeBuilder.Leaf[] memory leaves)
        private
        view
        returns (SumTreeBuilder.Leaf[] memory, bool)
    {
        seed = _mix(seed, "spoil");
        if (leaves.length < 2) return (leaves, false);
        uint256 place = (seed >> 8) % leaves.length;
        uint256 other = (place + 1 + (seed >> 16) % (leaves.length - 1)) % leaves.length;
        Fault fault = Fault(seed % 4);
        if (fault == Fault.DISORDERED) {
            (leaves[place], leaves[other]) = (leaves[other], leaves[place]);
            return (leaves, true);
        }
        if (fault == Fault.DOUBLED) {
            leaves[other].account = leaves[place].account;
            return (leaves, true);
        }
        uint128 had = _cumulativeIn(pair, leaves[place].account);
        if (had < 2) return (leaves, false);
        uint128 kept = fault == Fault.LOWERED ? had / 2 : 0;
        leaves[other].cumulative += leaves[place].cumulative - kept;
        leaves[place].cumulative = kept;
        if (kept != 0) return (leaves, true);
        for (uint256 i = place; i + 1 < leaves.length; ++i) {
            leaves[i] = leaves[i + 1];
        }
        _resize(leaves, leaves.length - 1);
        return (leaves, true);
    }

    /// @dev What the last active root has for an account; the first leaf if it has several.
    function _cumulativeIn(uint256 pair, address account) private view returns (uint128) {
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, newestActive(pair));
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (leaves[i].account == account) return leaves[i].cumulative;
        }
        return 0;
    }

    function _postFaulty(uint256 pair, uint256 seed) internal {
        if (!_mayPost(pair)) return;
        (SumTreeBuilder.Leaf[] memory leaves, bool isFaulty) = _spoil(pair, seed, _allot(pair, seed));
        if (!isFaulty) return;
        _post(pair, seed, leaves);
        _reach("faulty root posted");
    }

    function _post(uint256 pair, uint256 seed, SumTreeBuilder.Leaf[] memory leaves) internal {
        (IAttributionLedger.RootStatement memory statement, IAttributionLedger.Attestation[] memory attestations) =
            _signed(pair, leaves);
        address poster = posters[seed % 2];
        uint256 value = _record(pair, poster, statement, leaves);
        _payBonds(poster, value);
        vm.prank(poster);
        ledger.post{ value: value }(statement, attestations);
    }

    /// @dev What the quorum says next, of which nothing is asked of the ledger.
    function _signed(uint256 pair, SumTreeBuilder.Leaf[] memory leaves)
        internal
        view
        returns (IAttributionLedger.RootStatement memory statement, IAttributionLedger.Attestation[] memory)
    {
        uint256 last = newestActive(pair);
        (statement.root, statement.sum) = SumTreeBuilder.root(leaves);
        (statement.vault, statement.token) = (address(_vaultOfPair(pair)), _tokenOf(pair));
        statement.index = uint64(last + 1);
        statement.attempt = uint32(attempts[pair][last + 1]);
        // A challenge on which nobody ruled counts as rejected.
        if (_chains[pair].length > last) ++statement.attempt;
        if (last != 0) statement.prevRoot = _chains[pair][last - 1].root;
        statement.leafCount = uint64(leaves.length);
        statement.dataHash = DATA;
        statement.settlementPolicy = SETTLEMENT;
        (statement.periodEnd, statement.deadline) = (uint64(clock), uint64(clock));
        return (statement, _attest(statement, policyOf(pair / TOKENS, policyIndex(pair / TOKENS)).threshold));
    }

    function _passWindow(uint256 pair) private {
        uint256 policy = _stakes[pair].policy;
        if (policy != 0) _advance(policyOf(pair / TOKENS, policy).window);
    }

    // What it comes to

    /// @dev Writes a post down; what the poster has to send with it, sometimes more than needed.
    function _record(
        uint256 pair,
        address poster,
        IAttributionLedger.RootStatement memory statement,
        SumTreeBuilder.Leaf[] memory leaves
    ) private returns (uint256 value) {
        if (_chains[pair].length >= statement.index) _recordTimeout(pair);
        uint256 policy = policyIndex(pair / TOKENS);
        Stake storage stake = _stakes[pair];
        bonds[stake.poster] += stake.bond;
        uint256 bond = policyOf(pair / TOKENS, policy).posterBond;
        if (bonds[poster] < bond) value = bond - bonds[poster] + clock % 2;
        bonds[poster] = bonds[poster] + value - bond;
        (stake.poster, stake.bond, stake.policy) = (poster, bond, policy);
        (stake.wasChallenged, stake.until) = (false, 0);
        if (statement.attempt == 0) stake.doublings = 0;

        _chains[pair].push(
            Posted({
                root: statement.root,
                sum: statement.sum,
                activeAt: uint64(clock + policyOf(pair / TOKENS, policy).window),
                periodEnd: statement.periodEnd,
                prevRoot: statement.prevRoot
            })
        );
        delete _leavesOf[pair][statement.index];
        for (uint256 i = 0; i < leaves.length; ++i) {
            _leavesOf[pair][statement.index].push(uint256(uint160(leaves[i].account)) << 96 | leaves[i].cumulative);
        }
        fallbackAt[pair] = 0;
        unseen |= 1 << pair;
        _reach("root posted");
        if (statement.index > 1) _reach("second root posted");
    }

    function _recordRejection(uint256 pair) internal {
        uint256 index = _chains[pair].length;
        _chains[pair].pop();
        ++attempts[pair][index];
        Stake storage stake = _stakes[pair];
        (stake.poster, stake.bond, stake.challenger, stake.challengeBond) = (address(0), 0, address(0), 0);
        unseen &= ~(1 << pair);
        _reach("rejected");
    }

    /// @dev Nobody is found wrong; the challenger pays a tenth, rounded up.
    function _recordTimeout(uint256 pair) internal {
        Stake storage stake = _stakes[pair];
        uint256 fee = (stake.challengeBond + 9) / 10;
        bonds[address(_vaultOfPair(pair))] += fee;
        bonds[stake.challenger] += stake.challengeBond - fee;
        bonds[stake.poster] += stake.bond;
        if (stake.doublings < 32) ++stake.doublings;
        _recordRejection(pair);
        _reach("timed out");
    }

    function _payBonds(address account, uint256 value) internal {
        vm.deal(account, account.balance + value);
        coinInBonds += value;
    }

    function _placeOf(address account) internal view returns (uint256 place) {
        while (accounts[place] != account) ++place;
    }

    function _resize(SumTreeBuilder.Leaf[] memory leaves, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
    }
}
