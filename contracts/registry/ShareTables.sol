// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { BASIS_POINTS } from "../libraries/BasisPoints.sol";
import { Lineage } from "./Lineage.sol";
import { PackedEdge } from "./PackedEdge.sol";

/// @title ShareTables
/// @notice The part of {IAssetRegistry} about who gets which share, and parents' consent to get less.
abstract contract ShareTables is Lineage {
    /// @dev A {ShareConsent}, good while the parent has been transferred as often as when it was given.
    struct StoredConsent {
        address owner;
        uint16 shareBps;
        uint32 transfers;
    }

    mapping(uint128 parentId => mapping(uint128 childId => StoredConsent)) private _consents;

    /// @inheritdoc IAssetRegistry
    function consentToShare(uint128 parentId, uint128 childId, uint16 shareBps) external {
        // Check.
        Record storage parent = _ownRecordOf(parentId);

        // Effect.
        StoredConsent storage consent = _consents[parentId][childId];
        consent.owner = msg.sender;
        consent.shareBps = shareBps;
        consent.transfers = parent.transfers;

        // Log.
        emit ShareConsented({ parentId: parentId, childId: childId, owner: msg.sender, shareBps: shareBps });
    }

    /// @inheritdoc IAssetRegistry
    function shareTable(uint128 assetId) external view returns (uint32 epoch, Payee[] memory payees, uint16 poolBps) {
        Record storage record = _recordOf(assetId);
        Shares memory shares = record.shares;
        uint256 count;
        (payees, count) = _parentsOf(assetId, record, false);
        count = _append(payees, count, shares.payee, shares.payeeBps);
        count = _append(payees, count, shares.host, shares.hostBps);
        count = _append(payees, count, shares.curators, shares.curatorsBps);
        _shorten(payees, count);
        return (record.epoch, payees, shares.poolBps);
    }

    /// @inheritdoc IAssetRegistry
    function dataParents(uint128 assetId) external view returns (Payee[] memory parents) {
        uint256 count;
        (parents, count) = _parentsOf(assetId, _recordOf(assetId), true);
        _shorten(parents, count);
    }

    /// @inheritdoc IAssetRegistry
    function shareConsentOf(uint128 parentId, uint128 childId) public view returns (ShareConsent memory consent) {
        StoredConsent memory stored = _consents[parentId][childId];
        if (stored.transfers != _recordOf(parentId).transfers) return consent;
        consent.owner = stored.owner;
        consent.shareBps = stored.shareBps;
    }

    /// @dev The table is whole, and a pool has somebody to divide it.
    function _checkTable(PackedEdge[] memory edges, Shares memory shares, bool hasPolicy) internal pure {
        uint256 totalBps = 0;
        for (uint256 i = 0; i < edges.length; ++i) {
            totalBps += edges[i].shareBps();
        }
        if (totalBps > MAX_UPSTREAM_BPS) revert Registry_UpstreamTooLarge(totalBps);

        totalBps += _checkPayee(shares.payee, shares.payeeBps) + _checkPayee(shares.host, shares.hostBps)
        + _checkPayee(shares.curators, shares.curatorsBps) + shares.poolBps;
        if (totalBps != BASIS_POINTS) revert Registry_SharesNotWhole(totalBps);
        if (shares.poolBps != 0 && !hasPolicy) revert Registry_PoolNeedsPolicy();
    }

    /// @dev Puts `table` in the place of the edges there are, which it begins with, but for their shares. Where a parent
    /// gets less, its consent is needed; a consent is used up where an edge is lowered.
    function _setEdges(uint128 childId, Record storage record, PackedEdge[] memory table) internal {
        PackedEdge[] memory edges = _packedEdgesOf(childId, record);

        // Check.
        for (uint256 i = 0; i < edges.length; ++i) {
            if (table[i].shareBps() >= edges[i].shareBps()) continue;
            uint128 parent = edges[i].parent();
            uint256 from = _sharesLike(edges[i], edges);
            uint256 to = _sharesLike(edges[i], table);
            if (to < from && !_isConsented(parent, childId, to)) revert Registry_ShareFalls(parent, from, to);
        }

        // Effect.
        for (uint256 i = 0; i < edges.length; ++i) {
            if (table[i].shareBps() < edges[i].shareBps()) delete _consents[edges[i].parent()][childId];
        }
        _storeEdges(childId, record, table);
    }

    /// @dev Whether the parent's owner has consented to this much or less.
    function _isConsented(uint128 parentId, uint128 childId, uint256 shareBps) private view returns (bool) {
        ShareConsent memory consent = shareConsentOf(parentId, childId);
        return consent.owner != address(0) && shareBps >= consent.shareBps;
    }

    /// @dev The parents' vaults, `count` of them, in a list with room for three payees more: those whose edges are DATA,
    /// or those with a share.
    function _parentsOf(uint128 assetId, Record storage record, bool isDataOnly)
        private
        view
        returns (Payee[] memory payees, uint256 count)
    {
        PackedEdge[] memory edges = _packedEdgesOf(assetId, record);
        payees = new Payee[](edges.length + 3);
        for (uint256 i = 0; i < edges.length; ++i) {
            PackedEdge edge = edges[i];
            uint16 bps = edge.shareBps();
            if (isDataOnly ? edge.kind() != EdgeKind.DATA : bps == 0) continue;
            payees[count++] = Payee({ account: vaultOf(edge.parent()), bps: bps });
        }
    }

    /// @dev What an edge's parent gets by a table, over all edges to it that are evaluations as this one is or is not.
    function _sharesLike(PackedEdge edge, PackedEdge[] memory table) private pure returns (uint256 totalBps) {
        for (uint256 i = 0; i < table.length; ++i) {
            PackedEdge other = table[i];
            bool isSameUse = (other.kind() == EdgeKind.EVAL) == (edge.kind() == EdgeKind.EVAL);
            if (isSameUse && other.parent() == edge.parent()) totalBps += other.shareBps();
        }
    }

    function _checkPayee(address account, uint16 bps) private pure returns (uint256) {
        if ((account == address(0)) != (bps == 0)) revert Registry_PayeeMismatch(account, bps);
        return bps;
    }

    /// @dev Adds a payee unless its share is nothing; how many there are then.
    function _append(Payee[] memory payees, uint256 count, address account, uint16 bps) private pure returns (uint256) {
        if (bps == 0) return count;
        payees[count] = Payee({ account: account, bps: bps });
        return count + 1;
    }

    function _shorten(Payee[] memory payees, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(payees, count)
        }
    }
}
