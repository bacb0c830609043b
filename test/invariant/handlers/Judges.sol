// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "../../../contracts/interfaces/IAttributionLedger.sol";
import { SumTreeBuilder } from "../../utils/SumTreeBuilder.sol";
import { Roots } from "./Roots.sol";

/// @title Judges
/// @notice Those who keep quorums honest: watchers who look at every root before time passes, and prove every fault they
/// find; challengers; an arbiter who rules either way, or is silent. And those who say of an honest root that it is not.
abstract contract Judges is Roots {
    address internal watcher = makeAddr("watcher");
    address internal challenger = makeAddr("challenger");
    address internal arbiter = makeAddr("arbiter");

    function bondHolders() public view returns (address[] memory list) {
        list = new address[](4 + VAULTS);
        (list[0], list[1], list[2], list[3]) = (posters[0], posters[1], watcher, challenger);
        for (uint256 i = 0; i < VAULTS; ++i) {
            list[4 + i] = address(_vaults[i]);
        }
    }

    // Actions

    function look(uint256 seed) external step {
        _look(_pair(seed));
    }

    /// @notice Somebody holds two leaves of a root that has no fault against it.
    function slander(uint256 seed) external step {
        uint256 pair = _pair(seed);
        uint256 count = _chains[pair].length;
        if (count == 0) return;
        if (!_isActive(pair, count)) {
            _look(pair);
            count = _chains[pair].length;
        }
        if (count == 0) return;
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, count);
        SumTreeBuilder.Leaf[] memory before = leavesOf(pair, count - 1);
        (uint256 first, uint256 second) = ((seed >> 8) % leaves.length, (seed >> 16) % leaves.length);
        uint256 kind = _mix(seed, "kind") % 3;
        if (kind == 0) {
            _slanderDisorder(pair, _leaf(leaves, first), _leaf(leaves, second));
        } else if (before.length != 0) {
            IAttributionLedger.Leaf memory previous = _leaf(before, (seed >> 24) % before.length);
            if (kind == 1) _slanderDecrease(pair, previous, _leaf(leaves, first));
            else _slanderOmission(pair, previous, _bracketOf(leaves, first, second));
        }
        _reach("slandered");
    }

    function challenge(uint256 seed) external step {
        _challenge(_pair(seed));
    }

    /// @notice A root that is challenged as soon as it is posted.
    function dispute(uint256 seed) external step {
        uint256 pair = _pair(seed);
        _postNext(pair, seed);
        _challenge(pair);
    }

    function uphold(uint256 seed) external step {
        (uint256 pair, Stake storage stake) = _challenged(seed);
        if (stake.challenger == address(0) || clock > stake.until) return;
        vm.prank(arbiter);
        ledger.rule(address(_vaultOfPair(pair)), _tokenOf(pair), IAttributionLedger.Ruling.UPHELD);
        bonds[stake.challenger] += stake.challengeBond;
        _forfeit(pair, stake.challenger, stake.bond);
        stake.doublings = 0;
        _recordRejection(pair);
        _reach("upheld");
    }

    function dismiss(uint256 seed) external step {
        (uint256 pair, Stake storage stake) = _challenged(seed);
        if (stake.challenger == address(0) || clock > stake.until) return;
        vm.prank(arbiter);
        ledger.rule(address(_vaultOfPair(pair)), _tokenOf(pair), IAttributionLedger.Ruling.DISMISSED);
        _forfeit(pair, stake.poster, stake.challengeBond);
        Posted storage posted = _chains[pair][_chains[pair].length - 1];
        posted.activeAt = stake.activeAt < clock ? uint64(clock) : stake.activeAt;
        (stake.challenger, stake.challengeBond, stake.doublings) = (address(0), 0, 0);
        _reach(posted.activeAt == clock ? bytes32("dismissed late") : bytes32("dismissed"));
    }

    /// @notice The arbiter is silent; every other time the next post, not a call, finds that out.
    function beSilent(uint256 seed) external step {
        (uint256 pair, Stake storage stake) = _challenged(seed);
        if (stake.challenger == address(0)) return;
        if (clock <= stake.until) _advance(stake.until + 1 - clock);
        // Watchers may have rejected the root meanwhile.
        if (stake.challenger == address(0) || seed % 2 == 0) return;
        ledger.timeout(address(_vaultOfPair(pair)), _tokenOf(pair));
        _recordTimeout(pair);
    }

    /// @notice Somebody who is not the arbiter, or an arbiter too late, decides nothing.
    function usurp(uint256 seed) external step {
        (uint256 pair, Stake storage stake) = _challenged(seed);
        bool isLate = stake.challenger != address(0) && clock > stake.until;
        vm.prank(isLate ? arbiter : posters[seed % 2]);
        try ledger.rule(address(_vaultOfPair(pair)), _tokenOf(pair), IAttributionLedger.Ruling(seed % 2)) {
            _violate("ruled out of turn");
        } catch { }
    }

    function releaseBond(uint256 seed) external step {
        uint256 pair = _pair(seed);
        Stake storage stake = _stakes[pair];
        uint256 count = _chains[pair].length;
        bool isGood = (count == 0 || _isActive(pair, count)) && stake.bond != 0;
        try ledger.releaseBond(address(_vaultOfPair(pair)), _tokenOf(pair)) {
            _require(isGood, "released what is at stake");
            bonds[stake.poster] += stake.bond;
            (stake.poster, stake.bond) = (address(0), 0);
            _reach("released a bond");
        } catch {
            _require(!isGood, "kept a bond");
        }
    }

    function withdrawBond(uint256 seed) external step {
        address[] memory list = bondHolders();
        uint256 place = _mix(seed, "holder") % list.length;
        uint256 amount = bonds[list[place]];
        if (amount == 0) return;
        _require(ledger.withdrawBond(list[place]) == amount, "not the bond");
        bonds[list[place]] = 0;
        coinInBonds -= amount;
        if (place >= 4) {
            uint256 pair = (place - 4) * TOKENS + COIN;
            _touch(pair);
            coinMade += amount;
            _books[pair].arrived += amount;
            _books[pair].pool += amount;
            _reach("pool got a bond");
        } else {
            _reach("withdrew a bond");
        }
    }

    // Watching

    /// @dev Watchers look at every root before time passes.
    function _advance(uint256 duration) internal virtual override {
        for (uint256 pair = 0; unseen != 0; ++pair) {
            if (unseen & 1 << pair == 0) continue;
            unseen &= ~(1 << pair);
            _look(pair);
        }
        super._advance(duration);
    }

    /// @dev Compares the newest root's leaves with the last active ones, and proves the first fault.
    function _look(uint256 pair) internal {
        uint256 count = _chains[pair].length;
        if (count == 0 || _isActive(pair, count)) return;
        SumTreeBuilder.Leaf[] memory leaves = leavesOf(pair, count);
        for (uint256 i = 1; i < leaves.length; ++i) {
            if (leaves[i].account <= leaves[i - 1].account) {
                return _proveDisorder(pair, _leaf(leaves, i - 1), _leaf(leaves, i));
            }
        }
        SumTreeBuilder.Leaf[] memory before = leavesOf(pair, count - 1);
        for (uint256 i = 0; i < before.length; ++i) {
            (uint256 place, bool isThere) = _find(leaves, before[i].account);
            if (!isThere) return _proveOmission(pair, _leaf(before, i), _around(leaves, place));
            if (leaves[place].cumulative < before[i].cumulative) {
                return _proveDecrease(pair, _leaf(before, i), _leaf(leaves, place));
            }
        }
    }

    function _proveDisorder(uint256 pair, IAttributionLedger.Leaf memory first, IAttributionLedger.Leaf memory second)
        private
    {
        vm.prank(watcher);
        ledger.proveDisorder(address(_vaultOfPair(pair)), _tokenOf(pair), first, second);
        _recordFault(pair);
        _reach("disorder proven");
    }

    function _proveDecrease(uint256 pair, IAttributionLedger.Leaf memory previous, IAttributionLedger.Leaf memory now_)
        private
    {
        vm.prank(watcher);
        ledger.proveDecrease(address(_vaultOfPair(pair)), _tokenOf(pair), previous, now_);
        _recordFault(pair);
        _reach("decrease proven");
    }

    function _proveOmission(
        uint256 pair,
        IAttributionLedger.Leaf memory previous,
        IAttributionLedger.Leaf[] memory bracket
    ) private {
        vm.prank(watcher);
        ledger.proveOmission(address(_vaultOfPair(pair)), _tokenOf(pair), previous, bracket);
        _recordFault(pair);
        _reach("omission proven");
    }

    function _slanderDisorder(uint256 pair, IAttributionLedger.Leaf memory first, IAttributionLedger.Leaf memory second)
        private
    {
        try ledger.proveDisorder(address(_vaultOfPair(pair)), _tokenOf(pair), first, second) {
            _violate("rejected without a fault");
        } catch { }
    }

    function _slanderDecrease(
        uint256 pair,
        IAttributionLedger.Leaf memory previous,
        IAttributionLedger.Leaf memory current
    ) private {
        try ledger.proveDecrease(address(_vaultOfPair(pair)), _tokenOf(pair), previous, current) {
            _violate("rejected without a fault");
        } catch { }
    }

    function _slanderOmission(
        uint256 pair,
        IAttributionLedger.Leaf memory previous,
        IAttributionLedger.Leaf[] memory bracket
    ) private {
        try ledger.proveOmission(address(_vaultOfPair(pair)), _tokenOf(pair), previous, bracket) {
            _violate("rejected without a fault");
        } catch { }
    }

    /// @dev The poster loses its bond; a challenger loses nothing.
    function _recordFault(uint256 pair) private {
        Stake storage stake = _stakes[pair];
        if (stake.challenger != address(0)) {
            bonds[stake.challenger] += stake.challengeBond;
            _reach("proven while challenged");
        }
        _forfeit(pair, watcher, stake.bond);
        _recordRejection(pair);
    }

    function _forfeit(uint256 pair, address winner, uint256 bond) private {
        bonds[winner] += bond / 2;
        bonds[address(_vaultOfPair(pair))] += bond - bond / 2;
    }

    function _challenge(uint256 pair) private {
        uint256 count = _chains[pair].length;
        Stake storage stake = _stakes[pair];
        if (count == 0 || _isActive(pair, count) || stake.wasChallenged) return;
        IAttributionLedger.Policy memory policy = policyOf(pair / TOKENS, stake.policy);
        if (policy.arbiter == address(0)) return;
        uint256 bond = uint256(policy.challengeBond) * 2 ** stake.doublings;
        _payBonds(challenger, bond);
        vm.prank(challenger);
        ledger.challenge{ value: bond }(address(_vaultOfPair(pair)), _tokenOf(pair), keccak256("why"));

        (stake.challenger, stake.challengeBond, stake.wasChallenged) = (challenger, bond, true);
        stake.until = uint64(clock + policy.arbiterPeriod);
        stake.activeAt = _chains[pair][count - 1].activeAt;
        _chains[pair][count - 1].activeAt = NEVER;
        _reach("challenged");
        if (stake.doublings != 0) _reach("challenged at a higher price");
    }

    /// @dev A pair whose newest root is challenged, if there is one.
    function _challenged(uint256 seed) private returns (uint256 pair, Stake storage) {
        pair = _pair(seed);
        for (uint256 i = 0; i < PAID_PAIRS; ++i) {
            uint256 other = (pair + i) % PAID_PAIRS;
            if (_stakes[other].challenger == address(0)) continue;
            _touch(other);
            return (other, _stakes[other]);
        }
        return (pair, _stakes[pair]);
    }

    /// @dev Where an account is among ascending leaves, or the first place whose account is greater.
    function _find(SumTreeBuilder.Leaf[] memory leaves, address account) private pure returns (uint256 place, bool) {
        while (place < leaves.length && leaves[place].account < account) ++place;
        return (place, place < leaves.length && leaves[place].account == account);
    }

    /// @dev The leaves between which an account of that place would be.
    function _around(SumTreeBuilder.Leaf[] memory leaves, uint256 place)
        private
        pure
        returns (IAttributionLedger.Leaf[] memory bracket)
    {
        bool isEdge = place == 0 || place == leaves.length;
        bracket = new IAttributionLedger.Leaf[](isEdge ? 1 : 2);
        bracket[0] = _leaf(leaves, place == 0 ? 0 : place - 1);
        if (!isEdge) bracket[1] = _leaf(leaves, place);
    }

    function _bracketOf(SumTreeBuilder.Leaf[] memory leaves, uint256 first, uint256 second)
        private
        pure
        returns (IAttributionLedger.Leaf[] memory bracket)
    {
        bracket = new IAttributionLedger.Leaf[](first == second ? 1 : 2);
        bracket[0] = _leaf(leaves, first);
        if (first != second) bracket[1] = _leaf(leaves, second);
    }

    function _leaf(SumTreeBuilder.Leaf[] memory leaves, uint256 place)
        private
        pure
        returns (IAttributionLedger.Leaf memory)
    {
        return IAttributionLedger.Leaf({
            account: leaves[place].account,
            cumulative: leaves[place].cumulative,
            index: uint64(place),
            proof: SumTreeBuilder.prove(leaves, place)
        });
    }
}
