// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { PackedEdge } from "./PackedEdge.sol";
import { ShareTables } from "./ShareTables.sol";

/// @title Changes
/// @notice The part of {IAssetRegistry} about changing a share table: announced, then applied after the notice.
abstract contract Changes is ShareTables {
    uint48 internal constant NOTICE = 7 days;

    mapping(uint128 assetId => bytes32) private _changeHashes;

    /// @inheritdoc IAssetRegistry
    function announceChange(uint128 assetId, Change calldata change) external {
        // Check.
        Record storage record = _ownRecordOf(assetId);
        _checkChange(assetId, record, change);

        // Effect.
        bytes32 changeHash = keccak256(abi.encode(change));
        uint48 effectiveAt = Time.timestamp() + NOTICE;
        record.changeAt = effectiveAt;
        _changeHashes[assetId] = changeHash;

        // Log.
        emit ChangeAnnounced({ assetId: assetId, changeHash: changeHash, change: change, effectiveAt: effectiveAt });
    }

    /// @inheritdoc IAssetRegistry
    function cancelChange(uint128 assetId) external {
        // Check.
        Record storage record = _ownRecordOf(assetId);
        if (record.changeAt == 0) revert Registry_NoPendingChange(assetId);

        _cancelChange(assetId, record);
    }

    /// @inheritdoc IAssetRegistry
    function applyChange(uint128 assetId, Change calldata change) external {
        // Check: it is what was announced, and its time has come.
        Record storage record = _recordOf(assetId);
        uint48 effectiveAt = record.changeAt;
        if (effectiveAt == 0) revert Registry_NoPendingChange(assetId);
        bytes32 changeHash = keccak256(abi.encode(change));
        if (changeHash != _changeHashes[assetId]) {
            revert Registry_OtherChange(assetId, changeHash, _changeHashes[assetId]);
        }
        if (block.timestamp < effectiveAt) revert Registry_ChangeNotDue(assetId, effectiveAt);
        // Check: the parents allow it still.
        PackedEdge[] memory table = _checkChange(assetId, record, change);

        // Effect.
        record.changeAt = 0;
        delete _changeHashes[assetId];
        _setEdges(assetId, record, table);
        record.shares = change.shares;
        uint32 epoch = ++record.epoch;

        // Log.
        emit ChangeApplied({ assetId: assetId, changeHash: changeHash, epoch: epoch });
    }

    /// @inheritdoc IAssetRegistry
    function pendingChangeOf(uint128 assetId) external view returns (PendingChange memory) {
        return PendingChange({ changeHash: _changeHashes[assetId], effectiveAt: _recordOf(assetId).changeAt });
    }

    /// @inheritdoc IAssetRegistry
    function minimumNotice() external pure returns (uint64) {
        return NOTICE;
    }

    function _cancelChange(uint128 assetId, Record storage record) internal {
        // Effect.
        bytes32 changeHash = _changeHashes[assetId];
        record.changeAt = 0;
        delete _changeHashes[assetId];

        // Log.
        emit ChangeCancelled({ assetId: assetId, changeHash: changeHash });
    }

    /// @dev All that must hold of a change but the parents' consent; the edges as they would be.
    function _checkChange(uint128 assetId, Record storage record, Change calldata change)
        private
        view
        returns (PackedEdge[] memory table)
    {
        PackedEdge[] memory added = _checkEdges(assetId, _ownerOf(assetId), change.added);
        PackedEdge[] memory edges = _packedEdgesOf(assetId, record);
        uint256 total = edges.length + added.length;
        if (total > MAX_EDGES) revert Registry_TooManyEdges(total);
        if (change.edgeShares.length != total) revert Registry_EdgeSharesMismatch(change.edgeShares.length, total);

        table = new PackedEdge[](total);
        for (uint256 i = 0; i < total; ++i) {
            PackedEdge edge = i < edges.length ? edges[i] : added[i - edges.length];
            table[i] = edge.withShare(change.edgeShares[i]);
            if (i >= edges.length && PackedEdge.unwrap(edge) != PackedEdge.unwrap(table[i])) {
                revert Registry_EdgeShareMismatch(edge.parent(), edge.shareBps(), table[i].shareBps());
            }
        }
        _checkTable(table, change.shares, record.hasPolicy);
    }
}
