// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { Policies } from "./Policies.sol";
import { Tables } from "./Tables.sol";

/// @title Owners
/// @notice Owners who try everything with share tables: announce, change their minds, apply too early, without a parent's
/// consent or against its rule; and who sell their assets in the middle of it.
abstract contract Owners is Tables, Policies {
    /// @dev Whether the archive lets nobody derive from it but its owner and whom that allowed.
    bool internal isClosed;
    mapping(uint256 child => bool) internal isAllowed;

    address[2] internal others = [makeAddr("another owner"), makeAddr("yet another owner")];

    // What invariants look at

    function edgesAt(uint256 child) external view returns (Parent[] memory) {
        return parents[child];
    }

    function sharesAt(uint256 child) external view returns (IAssetRegistry.Shares memory) {
        return shares[child];
    }

    function announcedAt(uint256 child) external view returns (Announced memory) {
        return announced[child];
    }

    // Actions

    function announceChange(uint256 seed) external step {
        uint256 child = _childOf(seed);
        IAssetRegistry.Change memory change = _draft(child, seed);
        bool isGood = _isPermitted(child, change) && !_spoil(change, _mix(seed, "spoil"));
        vm.prank(registry.ownerOf(assets[child]));
        try registry.announceChange(assets[child], change) {
            _require(isGood, "a bad table was announced");
            announced[child] = Announced({ change: abi.encode(change), effectiveAt: clock + NOTICE });
            _reach("change announced");
        } catch {
            _require(!isGood, "refused a table");
            _reach("table refused");
        }
    }

    function cancelChange(uint256 seed) external step {
        uint256 child = _childOf(seed);
        if (announced[child].effectiveAt == 0) return;
        vm.prank(registry.ownerOf(assets[child]));
        registry.cancelChange(assets[child]);
        delete announced[child];
    }

    /// @notice To any share up to what the parent gets.
    function consent(uint256 seed) external step {
        uint256 child = _childOf(seed);
        uint256 parent = parents[child][(seed >> 8) % parents[child].length].vault;
        _consent(parent, child, (seed >> 16) % 2 == 0 ? 0 : (seed >> 24) % (_totalOf(child, parent, false) + 1));
    }

    /// @notice Every other time as soon as it may be; otherwise now, which may be too early.
    function applyChange(uint256 seed) external step {
        uint256 child = _childOf(seed);
        if (announced[child].effectiveAt == 0) return;
        if (seed % 2 == 0 && clock < announced[child].effectiveAt) _advance(announced[child].effectiveAt - clock);
        IAssetRegistry.Change memory change = abi.decode(announced[child].change, (IAssetRegistry.Change));
        bool isDue = clock >= announced[child].effectiveAt;
        bool hasConsent = _isConsented(child, change);
        bool isPermitted = _isPermitted(child, change);
        if (isDue && hasConsent && isPermitted) {
            if (_lowers(child, change)) _reach("lowered with consent");
            return _apply(child, change);
        }
        try registry.applyChange(assets[child], change) {
            _violate(!isDue ? bytes32("applied too early") : bytes32("a share fell without consent"));
        } catch {
            _reach(!isDue ? bytes32("too early") : hasConsent ? bytes32("not permitted") : bytes32("not consented"));
        }
    }

    /// @notice What is not exactly what was announced is not applied.
    function applyOther(uint256 seed) external step {
        uint256 child = _childOf(seed);
        IAssetRegistry.Change memory change = _draft(child, seed);
        if (keccak256(abi.encode(change)) == keccak256(announced[child].change)) return;
        try registry.applyChange(assets[child], change) {
            _violate("applied what was not announced");
        } catch { }
    }

    /// @notice What was announced does not bind the new owner, and what the old one let others do is void.
    function sell(uint256 seed) external step {
        uint256 asset = _mix(seed, "asset") % (2 * VAULTS);
        if (asset >= VAULTS) return;
        address from = registry.ownerOf(assets[asset]);
        address to = others[seed % 2];
        vm.prank(from);
        registry.transferFrom(from, to, assets[asset]);
        delete announced[asset];
        _drop(asset);
        delete consented[asset][MODEL];
        delete consented[asset][DERIVED];
        if (asset == ARCHIVE) (isAllowed[MODEL], isAllowed[DERIVED]) = (false, false);
        _touch(asset * TOKENS);
        _reach("sold");
    }

    /// @notice The archive opens or closes, and lets one of the models in, or no longer.
    function setRule(uint256 seed) external step {
        uint256 child = _childOf(seed);
        IAssetRegistry.Derivation memory derivation;
        isClosed = seed % 3 != 0;
        if (isClosed) derivation.rule = IAssetRegistry.DerivationRule.CLOSED;
        isAllowed[child] = (seed >> 8) % 2 == 0;
        vm.startPrank(registry.ownerOf(assets[ARCHIVE]));
        registry.setDerivation(assets[ARCHIVE], derivation);
        if (isAllowed[child]) registry.allowChild(assets[ARCHIVE], assets[child]);
        else registry.disallowChild(assets[ARCHIVE], assets[child]);
        vm.stopPrank();
    }

    // What must come of it

    function _isPermitted(uint256 child, IAssetRegistry.Change memory change) private view returns (bool) {
        if (change.added.length == 0 || change.added[0].kind == IAssetRegistry.EdgeKind.EVAL) return true;
        return !isClosed || isAllowed[child] || registry.ownerOf(assets[ARCHIVE]) == registry.ownerOf(assets[child]);
    }

    /// @dev Evaluations count apart.
    function _isConsented(uint256 child, IAssetRegistry.Change memory change) private view returns (bool) {
        for (uint256 parent = 0; parent < VAULTS; ++parent) {
            for (uint256 use = 0; use < 2; ++use) {
                uint256 to = _totalBy(child, parent, use == 1, change);
                if (to >= _totalOf(child, parent, use == 1)) continue;
                if (!consented[parent][child].isGiven || to < consented[parent][child].bps) return false;
            }
        }
        return true;
    }

    function _lowers(uint256 child, IAssetRegistry.Change memory change) private view returns (bool) {
        for (uint256 parent = 0; parent < VAULTS; ++parent) {
            if (_totalBy(child, parent, false, change) < _totalOf(child, parent, false)) return true;
        }
        return false;
    }

    function _totalOf(uint256 child, uint256 parent, bool isEval) private view returns (uint256 total) {
        Parent[] storage edges = parents[child];
        for (uint256 i = 0; i < edges.length; ++i) {
            if (edges[i].vault == parent && _isEval(edges[i].kind) == isEval) total += edges[i].bps;
        }
    }

    function _totalBy(uint256 child, uint256 parent, bool isEval, IAssetRegistry.Change memory change)
        private
        view
        returns (uint256 total)
    {
        Parent[] storage edges = parents[child];
        for (uint256 i = 0; i < edges.length; ++i) {
            if (edges[i].vault == parent && _isEval(edges[i].kind) == isEval) total += change.edgeShares[i];
        }
        if (change.added.length == 0 || parent != ARCHIVE || _isEval(change.added[0].kind) != isEval) return total;
        return total + change.added[0].shareBps;
    }

    function _isEval(IAssetRegistry.EdgeKind kind) private pure returns (bool) {
        return kind == IAssetRegistry.EdgeKind.EVAL;
    }

    /// @dev Now and then makes a table that is not whole, or leaves an edge out; whether it did.
    function _spoil(IAssetRegistry.Change memory change, uint256 seed) private pure returns (bool) {
        uint256 kind = seed % 8;
        uint16[] memory edgeShares = change.edgeShares;
        if (kind == 0) {
            ++change.shares.poolBps;
        } else if (kind == 1) {
            change.shares.poolBps += edgeShares[edgeShares.length - 1];
            assembly ("memory-safe") {
                mstore(edgeShares, sub(mload(edgeShares), 1))
            }
        }
        return kind < 2;
    }
}
