// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { ILicenseToken } from "../interfaces/ILicenseToken.sol";
import { Rights } from "../libraries/Rights.sol";
import { Assets } from "./Assets.sol";
import { PackedEdge, PackedEdges } from "./PackedEdge.sol";

/// @title Lineage
/// @notice The part of {IAssetRegistry} about edges: what a parent asks of its children, and who may become one.
abstract contract Lineage is Assets {
    mapping(uint128 assetId => PackedEdge[MAX_EDGES]) private _edges;
    mapping(uint128 assetId => address) internal _licenseTokens;
    /// @dev One more than how often the parent had been transferred when its owner allowed the child; 0 for never.
    mapping(uint128 parentId => mapping(uint128 childId => uint256)) private _allowed;

    /// @inheritdoc IAssetRegistry
    function setDerivation(uint128 assetId, Derivation calldata derivation) external {
        // Check.
        Record storage record = _ownRecordOf(assetId);

        _setDerivation(assetId, record, derivation);

        // Log.
        emit DerivationSet({ assetId: assetId, derivation: derivation });
    }

    /// @inheritdoc IAssetRegistry
    function allowChild(uint128 parentId, uint128 childId) external {
        // Check.
        Record storage parent = _ownRecordOf(parentId);

        // Effect.
        _allowed[parentId][childId] = uint256(parent.transfers) + 1;

        // Log.
        emit ChildAllowed({ parentId: parentId, childId: childId, owner: msg.sender });
    }

    /// @inheritdoc IAssetRegistry
    function disallowChild(uint128 parentId, uint128 childId) external {
        // Check.
        _ownRecordOf(parentId);

        // Effect.
        delete _allowed[parentId][childId];

        // Log.
        emit ChildDisallowed({ parentId: parentId, childId: childId, owner: msg.sender });
    }

    /// @inheritdoc IAssetRegistry
    function edgesOf(uint128 assetId) external view returns (Edge[] memory edges) {
        PackedEdge[] memory packed = _packedEdgesOf(assetId, _recordOf(assetId));
        edges = new Edge[](packed.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            edges[i] = packed[i].unpack();
        }
    }

    /// @inheritdoc IAssetRegistry
    function isChildAllowed(uint128 parentId, uint128 childId) external view returns (bool) {
        return _isAllowed(_recordOf(parentId), parentId, childId);
    }

    function _packedEdgesOf(uint128 assetId, Record storage record) internal view returns (PackedEdge[] memory edges) {
        edges = new PackedEdge[](record.edgeCount);
        for (uint256 i = 0; i < edges.length; ++i) {
            edges[i] = _edges[assetId][i];
        }
    }

    /// @dev Puts at most 16 edges in the place of those there are.
    function _storeEdges(uint128 assetId, Record storage record, PackedEdge[] memory edges) internal {
        for (uint256 i = 0; i < edges.length; ++i) {
            _edges[assetId][i] = edges[i];
        }
        record.edgeCount = uint8(edges.length);
    }

    /// @dev The edges, packed. Every parent exists in that version and lets the deriver make the edge.
    function _checkEdges(uint128 childId, address deriver, Edge[] calldata edges)
        internal
        view
        returns (PackedEdge[] memory packed)
    {
        packed = new PackedEdge[](edges.length);
        for (uint256 i = 0; i < edges.length; ++i) {
            Edge memory edge = edges[i];
            packed[i] = PackedEdges.pack(edge, _checkEdge(childId, deriver, edge));
        }
    }

    function _setDerivation(uint128 assetId, Record storage record, Derivation calldata derivation) internal {
        // Check.
        (DerivationRule rule, uint16 minShareBps) = (derivation.rule, derivation.minShareBps);
        address licenseToken = derivation.licenseToken;
        if (minShareBps > MAX_UPSTREAM_BPS) revert Registry_BadMinShare(minShareBps);
        if ((rule == DerivationRule.LICENSED) != (licenseToken != address(0))) {
            revert Registry_LicenseTokenMismatch(rule, licenseToken);
        }

        // Effect.
        record.rule = rule;
        record.minShareBps = minShareBps;
        _licenseTokens[assetId] = licenseToken;
    }

    /// @dev The license that the edge takes, 0 for none.
    function _checkEdge(uint128 childId, address deriver, Edge memory edge) private view returns (uint256 licenseId) {
        (uint128 parentId, EdgeKind kind) = (edge.parent, edge.kind);
        Record storage parent = _recordOf(parentId);
        if (parentId == childId) revert Registry_OwnParent(childId);
        _checkVersion(parentId, parent, edge.parentVersion);
        if (kind == EdgeKind.EVAL) return 0;

        if (parent.kind != (kind == EdgeKind.DATA ? AssetKind.DATASET : AssetKind.MODEL)) {
            revert Registry_EdgeKindMismatch(parentId, kind);
        }
        uint16 minShareBps = parent.minShareBps;
        if (edge.shareBps < minShareBps) revert Registry_ShareTooSmall(parentId, edge.shareBps, minShareBps);

        DerivationRule rule = parent.rule;
        if (rule == DerivationRule.OPEN || _ownerOf(parentId) == deriver) return 0;
        if (_isAllowed(parent, parentId, childId)) return 0;
        if (rule == DerivationRule.CLOSED) revert Registry_DerivationClosed(parentId, deriver);

        // The license is for the parent, good now, and the deriver's to use in this way.
        licenseId = edge.licenseId;
        ILicenseToken token = ILicenseToken(_licenseTokens[parentId]);
        if (!token.isLicensed(licenseId, deriver, _rightFor(kind)) || token.licenseOf(licenseId).assetId != parentId) {
            revert Registry_NotLicensed(parentId, deriver, licenseId);
        }
        return SafeCast.toUint72(licenseId);
    }

    function _isAllowed(Record storage parent, uint128 parentId, uint128 childId) private view returns (bool) {
        return _allowed[parentId][childId] == uint256(parent.transfers) + 1;
    }

    /// @dev What a license must allow for an edge; an evaluation needs none.
    function _rightFor(EdgeKind kind) private pure returns (uint256) {
        if (kind == EdgeKind.DATA) return Rights.TRAIN;
        if (kind == EdgeKind.MERGE) return Rights.MERGE;
        if (kind == EdgeKind.DISTIL) return Rights.DISTIL;
        return Rights.FINE_TUNE;
    }
}
