// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../../../contracts/interfaces/IAssetRegistry.sol";
import { Stage } from "./Stage.sol";

/// @title Tables
/// @notice Owners who change share tables, and parents who consent to getting less, or do not.
abstract contract Tables is Stage {
    /// @dev An announced change; none if `effectiveAt` is 0.
    struct Announced {
        bytes change;
        uint256 effectiveAt;
    }

    struct Consent {
        bool isGiven;
        uint256 bps;
    }

    uint256 internal constant NOTICE = 7 days;
    uint256 internal constant MAX_PARENTS = 5;

    Announced[VAULTS] internal announced;
    /// @dev A parent's consent to a child, until the parent is sold or the consent is used.
    mapping(uint256 parent => mapping(uint256 child => Consent)) internal consented;

    /// @notice All of a change at once, with whatever consent it needs.
    function changeTable(uint256 seed) external step {
        uint256 child = _childOf(seed);
        IAssetRegistry.Change memory change = _draft(child, seed);
        _announceChange(child, change);
        for (uint256 i = 0; i < parents[child].length; ++i) {
            uint256 parent = parents[child][i].vault;
            _consent(parent, child, 0);
        }
        _advance(NOTICE);
        _apply(child, change);
    }

    function _announceChange(uint256 child, IAssetRegistry.Change memory change) internal {
        vm.prank(registry.ownerOf(assets[child]));
        registry.announceChange(assets[child], change);
        announced[child] = Announced({ change: abi.encode(change), effectiveAt: clock + NOTICE });
        _reach("change announced");
    }

    function _consent(uint256 parent, uint256 child, uint256 bps) internal {
        vm.prank(registry.ownerOf(assets[parent]));
        registry.consentToShare(assets[parent], assets[child], uint16(bps));
        consented[parent][child] = Consent({ isGiven: true, bps: bps });
    }

    function _apply(uint256 child, IAssetRegistry.Change memory change) internal {
        registry.applyChange(assets[child], change);
        delete announced[child];
        uint256 count = parents[child].length;
        for (uint256 i = 0; i < change.edgeShares.length; ++i) {
            if (i >= count) {
                // Only the archive is ever added.
                parents[child].push(Parent({ vault: uint8(ARCHIVE), kind: change.added[i - count].kind, bps: 0 }));
            }
            Parent storage parent = parents[child][i];
            if (change.edgeShares[i] < parent.bps) delete consented[parent.vault][child];
            parent.bps = change.edgeShares[i];
        }
        shares[child] = change.shares;
        ++epochs[child];
        _reach("change applied");
    }

    /// @dev Some of the parents' shares rise, some fall, the archive may become a parent, and the rest is shared anew.
    function _draft(uint256 child, uint256 seed) internal view returns (IAssetRegistry.Change memory change) {
        Parent[] storage edges = parents[child];
        uint256 added = edges.length < MAX_PARENTS && _mix(seed, "add") % 2 == 0 ? 1 : 0;
        change.added = new IAssetRegistry.Edge[](added);
        change.edgeShares = new uint16[](edges.length + added);
        uint256 left = 10_000;
        for (uint256 i = 0; i < edges.length; ++i) {
            change.edgeShares[i] = _redraw(edges[i].bps, uint256(keccak256(abi.encode(seed, i))));
            left -= change.edgeShares[i];
        }
        if (added != 0) {
            IAssetRegistry.EdgeKind kind =
                _mix(seed, "kind") % 3 == 0 ? IAssetRegistry.EdgeKind.EVAL : IAssetRegistry.EdgeKind.DATA;
            change.added[0] = _edgeTo(ARCHIVE, kind, uint16(_mix(seed, "share") % 700));
            change.edgeShares[edges.length] = change.added[0].shareBps;
            left -= change.added[0].shareBps;
        }
        change.shares = _drawShares(left, _mix(seed, "shares"));
    }

    function _redraw(uint16 bps, uint256 seed) private pure returns (uint16) {
        if (seed % 4 < 2) return bps;
        seed >>= 8;
        return uint16(seed % 2 == 0 ? seed % (uint256(bps) + 1) : _atMost(bps + seed % 500, 1_800));
    }

    /// @dev No more than that, so that all parents together stay below nine tenths.
    function _atMost(uint256 bps, uint256 most) private pure returns (uint256) {
        return bps < most ? bps : most;
    }

    function _drawShares(uint256 left, uint256 seed) private view returns (IAssetRegistry.Shares memory table) {
        table.payeeBps = uint16(left * (seed % 40) / 100);
        table.hostBps = uint16(left * ((seed >> 8) % 20) / 100);
        table.curatorsBps = uint16(left * ((seed >> 16) % 10) / 100);
        table.poolBps = uint16(left - table.payeeBps - table.hostBps - table.curatorsBps);
        if (table.payeeBps != 0) table.payee = payee;
        if (table.hostBps != 0) table.host = host;
        if (table.curatorsBps != 0) table.curators = curators;
    }

    /// @dev One of the two models.
    function _childOf(uint256 seed) internal pure returns (uint256) {
        return _mix(seed, "child") % 2 == 0 ? MODEL : DERIVED;
    }
}
