// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";

/// @title AssetRegistry
/// @notice See {IAssetRegistry}.
contract AssetRegistry is IAssetRegistry, ERC721 {
    uint256 internal constant BASIS_POINTS = 10_000;
    uint256 internal constant MAX_UPSTREAM_BPS = 9_000;
    uint256 internal constant MAX_EDGES = 16;

    /// @dev An asset in three slots. What a child's registration needs of its parents is in the first.
    struct Record {
        bool exists;
        AssetKind kind;
        DerivationRule rule;
        uint16 minShareBps;
        uint32 versions;
        uint16 poolBps;
        address payee;
        address host;
        uint16 payeeBps;
        uint16 hostBps;
        uint16 curatorsBps;
        address curators;
    }

    /// @inheritdoc IAssetRegistry
    address public immutable ledger;
    /// @inheritdoc IAssetRegistry
    address public immutable vaultImplementation;

    mapping(uint128 assetId => Record) private _records;
    mapping(uint128 assetId => Edge[]) private _edges;
    mapping(uint256 tokenId => string) private _uris;
    mapping(uint128 assetId => mapping(uint32 version => Version)) private _versions;

    constructor(IRoyaltyVault vaultImplementation_) ERC721("Tributary Asset", "ASSET") {
        ledger = vaultImplementation_.ledger();
        vaultImplementation = address(vaultImplementation_);
    }

    /// @inheritdoc IAssetRegistry
    function register(Registration calldata registration) external returns (uint128 assetId, address vault) {
        assetId = assetIdOf(msg.sender, registration.salt);

        // Check: the id is new, the parents allow it, the shares are whole.
        if (_records[assetId].exists) revert Registry_AssetExists(assetId);
        if (registration.derivation.minShareBps > MAX_UPSTREAM_BPS) {
            revert Registry_BadMinShare(registration.derivation.minShareBps);
        }
        uint256 upstreamBps = _checkEdges(registration.edges);
        _checkShares(registration.shares, upstreamBps);
        bool hasPolicy = registration.policy.signers.length != 0;
        if (registration.shares.poolBps != 0 && !hasPolicy) revert Registry_PoolNeedsPolicy();

        // Effect.
        _store(assetId, registration);
        _mint(registration.owner, assetId);

        // Interaction: the vault is ours, and registers its policy with the ledger.
        vault = Clones.cloneDeterministicWithImmutableArgs({
            implementation: vaultImplementation,
            args: abi.encode(address(this), assetId),
            salt: bytes32(uint256(assetId))
        });
        if (hasPolicy) IRoyaltyVault(vault).initialize(registration.policy);

        // Log.
        emit AssetRegistered({ assetId: assetId, registrant: msg.sender, vault: vault, registration: registration });
    }

    /// @inheritdoc IAssetRegistry
    function publish(uint128 assetId, bytes32 contentHash, bytes32 manifestHash, string calldata uri)
        external
        returns (uint32 version)
    {
        // Check.
        Record storage record = _recordOf(assetId);
        if (_ownerOf(assetId) != msg.sender) revert Registry_NotOwner(assetId, msg.sender);
        if (contentHash == 0 || manifestHash == 0) revert Registry_ZeroHash();

        // Effect.
        version = ++record.versions;
        _versions[assetId][version] =
            Version({ contentHash: contentHash, manifestHash: manifestHash, publishedAt: Time.timestamp(), uri: uri });

        // Log.
        emit VersionPublished({
            assetId: assetId, version: version, contentHash: contentHash, manifestHash: manifestHash, uri: uri
        });
    }

    /// @inheritdoc IAssetRegistry
    function assetOf(uint128 assetId) external view returns (Asset memory) {
        Record storage record = _recordOf(assetId);
        return Asset({
            kind: record.kind,
            derivation: Derivation({ rule: record.rule, minShareBps: record.minShareBps }),
            shares: Shares({
                payee: record.payee,
                payeeBps: record.payeeBps,
                host: record.host,
                hostBps: record.hostBps,
                curators: record.curators,
                curatorsBps: record.curatorsBps,
                poolBps: record.poolBps
            }),
            versions: record.versions,
            vault: vaultOf(assetId)
        });
    }

    /// @inheritdoc IAssetRegistry
    function edgesOf(uint128 assetId) external view returns (Edge[] memory) {
        _recordOf(assetId);
        return _edges[assetId];
    }

    /// @inheritdoc IAssetRegistry
    function versionOf(uint128 assetId, uint32 version) external view returns (Version memory) {
        if (version == 0 || version > _records[assetId].versions) revert Registry_UnknownVersion(assetId, version);
        return _versions[assetId][version];
    }

    /// @inheritdoc IAssetRegistry
    function shareTable(uint128 assetId) external view returns (uint32 epoch, Payee[] memory payees, uint16 poolBps) {
        epoch = 0;
        Record storage record = _recordOf(assetId);
        Edge[] storage edges = _edges[assetId];
        uint256 edgeCount = edges.length;

        payees = new Payee[](edgeCount + 3);
        uint256 count = 0;
        for (uint256 i = 0; i < edgeCount; ++i) {
            Edge memory edge = edges[i];
            if (edge.shareBps != 0) payees[count++] = Payee({ account: vaultOf(edge.parent), bps: edge.shareBps });
        }
        if (record.payeeBps != 0) payees[count++] = Payee({ account: record.payee, bps: record.payeeBps });
        if (record.hostBps != 0) payees[count++] = Payee({ account: record.host, bps: record.hostBps });
        if (record.curatorsBps != 0) payees[count++] = Payee({ account: record.curators, bps: record.curatorsBps });
        assembly ("memory-safe") {
            // Shortens the list to what was filled.
            mstore(payees, count)
        }
        poolBps = record.poolBps;
    }

    /// @inheritdoc IAssetRegistry
    function dataParents(uint128 assetId) external view returns (Payee[] memory parents) {
        _recordOf(assetId);
        Edge[] storage edges = _edges[assetId];
        uint256 edgeCount = edges.length;

        parents = new Payee[](edgeCount);
        uint256 count = 0;
        for (uint256 i = 0; i < edgeCount; ++i) {
            Edge memory edge = edges[i];
            if (edge.kind != EdgeKind.DATA) continue;
            parents[count++] = Payee({ account: vaultOf(edge.parent), bps: edge.shareBps });
        }
        assembly ("memory-safe") {
            // Shortens the list to what was filled.
            mstore(parents, count)
        }
    }

    /// @inheritdoc IAssetRegistry
    function vaultOf(uint128 assetId) public view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs({
            implementation: vaultImplementation,
            args: abi.encode(address(this), assetId),
            salt: bytes32(uint256(assetId))
        });
    }

    /// @inheritdoc IAssetRegistry
    function assetIdOf(address registrant, bytes32 salt) public pure returns (uint128) {
        return uint128(uint256(keccak256(abi.encode(registrant, salt))));
    }

    /// @notice Where the asset is described.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return _uris[tokenId];
    }

    /// @dev Every parent exists in that version and allows the edge; returns the edges' shares together.
    function _checkEdges(Edge[] calldata edges) private view returns (uint256 upstreamBps) {
        if (edges.length > MAX_EDGES) revert Registry_TooManyEdges(edges.length);
        for (uint256 i = 0; i < edges.length; ++i) {
            Edge calldata edge = edges[i];
            Record storage parent = _recordOf(edge.parent);
            if (edge.parentVersion == 0 || edge.parentVersion > parent.versions) {
                revert Registry_UnknownVersion(edge.parent, edge.parentVersion);
            }
            upstreamBps += edge.shareBps;
            if (edge.kind == EdgeKind.EVAL) continue;

            AssetKind needed = edge.kind == EdgeKind.DATA ? AssetKind.DATASET : AssetKind.MODEL;
            if (parent.kind != needed) revert Registry_EdgeKindMismatch(edge.parent, edge.kind);
            if (parent.rule == DerivationRule.CLOSED && _ownerOf(edge.parent) != msg.sender) {
                revert Registry_DerivationClosed(edge.parent, msg.sender);
            }
            if (edge.shareBps < parent.minShareBps) {
                revert Registry_ShareTooSmall(edge.parent, edge.shareBps, parent.minShareBps);
            }
        }
        if (upstreamBps > MAX_UPSTREAM_BPS) revert Registry_UpstreamTooLarge(upstreamBps);
    }

    function _checkShares(Shares calldata shares, uint256 upstreamBps) private pure {
        _checkPayee(shares.payee, shares.payeeBps);
        _checkPayee(shares.host, shares.hostBps);
        _checkPayee(shares.curators, shares.curatorsBps);
        uint256 totalBps = upstreamBps + shares.payeeBps + shares.hostBps + shares.curatorsBps + shares.poolBps;
        if (totalBps != BASIS_POINTS) revert Registry_SharesNotWhole(totalBps);
    }

    function _checkPayee(address account, uint16 bps) private pure {
        if ((account == address(0)) != (bps == 0)) revert Registry_PayeeMismatch(account, bps);
    }

    function _store(uint128 assetId, Registration calldata registration) private {
        Shares calldata shares = registration.shares;
        _records[assetId] = Record({
            exists: true,
            kind: registration.kind,
            rule: registration.derivation.rule,
            minShareBps: registration.derivation.minShareBps,
            versions: 0,
            poolBps: shares.poolBps,
            payee: shares.payee,
            host: shares.host,
            payeeBps: shares.payeeBps,
            hostBps: shares.hostBps,
            curatorsBps: shares.curatorsBps,
            curators: shares.curators
        });
        Edge[] storage edges = _edges[assetId];
        for (uint256 i = 0; i < registration.edges.length; ++i) {
            edges.push(registration.edges[i]);
        }
        _uris[assetId] = registration.uri;
    }

    function _recordOf(uint128 assetId) private view returns (Record storage record) {
        record = _records[assetId];
        if (!record.exists) revert Registry_UnknownAsset(assetId);
    }
}
