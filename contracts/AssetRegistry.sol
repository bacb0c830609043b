// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";
import { LibClone } from "solady/utils/LibClone.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { Assets } from "./registry/Assets.sol";
import { Changes } from "./registry/Changes.sol";
import { PackedEdge } from "./registry/PackedEdge.sol";

/// @title AssetRegistry
/// @notice See {IAssetRegistry}. Registration, versions and policies; what edges, share tables and their changes are
/// about is in {Lineage}, {ShareTables} and {Changes}.
contract AssetRegistry is Changes {
    mapping(uint256 tokenId => string) private _uris;
    mapping(uint128 assetId => mapping(uint32 version => Version)) private _versions;

    constructor(IRoyaltyVault vaultImplementation_) Assets(vaultImplementation_) {
        emit ContractURIUpdated();
    }

    /// @inheritdoc IAssetRegistry
    function register(Registration calldata registration) external returns (uint128 assetId, address vault) {
        assetId = assetIdOf(msg.sender, registration.salt);

        // Check: the id is new, the parents allow it, the shares are whole.
        if (_records[assetId].exists) revert Registry_AssetExists(assetId);
        if (registration.edges.length > MAX_EDGES) revert Registry_TooManyEdges(registration.edges.length);
        PackedEdge[] memory edges = _checkEdges(assetId, msg.sender, registration.edges);
        bool hasPolicy = registration.policy.signers.length != 0;
        _checkTable(edges, registration.shares, hasPolicy);

        // Effect.
        _store(assetId, registration, hasPolicy);
        _storeEdges(assetId, _records[assetId], edges);
        _mint(registration.owner, assetId);

        // Interaction: the vault is ours, and registers its policy with the ledger.
        vault = LibClone.cloneDeterministic({
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
        Record storage record = _ownRecordOf(assetId);
        if (contentHash == 0 || manifestHash == 0) revert Registry_ZeroHash();

        // Effect.
        version = ++record.versions;
        Version storage added = _versions[assetId][version];
        added.contentHash = contentHash;
        added.manifestHash = manifestHash;
        added.publishedAt = Time.timestamp();
        added.uri = uri;

        // Log.
        emit VersionPublished({
            assetId: assetId, version: version, contentHash: contentHash, manifestHash: manifestHash, uri: uri
        });
    }

    /// @inheritdoc IAssetRegistry
    function announcePolicy(uint128 assetId, IAttributionLedger.Policy calldata policy) external {
        // Check.
        Record storage record = _ownRecordOf(assetId);
        IRoyaltyVault vault = IRoyaltyVault(vaultOf(assetId));

        // Interaction: the vault is ours, and asks the ledger.
        if (record.hasPolicy) {
            vault.announcePolicy(policy);
        } else {
            record.hasPolicy = true;
            vault.initialize(policy);
        }
    }

    /// @inheritdoc IAssetRegistry
    function cancelPolicy(uint128 assetId) external {
        // Check.
        _ownRecordOf(assetId);

        // Interaction: the vault is ours, and tells the ledger.
        IRoyaltyVault(vaultOf(assetId)).cancelPolicy();
    }

    /// @inheritdoc IAssetRegistry
    function assetOf(uint128 assetId) public view returns (Asset memory) {
        Record storage record = _recordOf(assetId);
        return Asset({
            kind: record.kind,
            derivation: Derivation({
                rule: record.rule, minShareBps: record.minShareBps, licenseToken: _licenseTokens[assetId]
            }),
            shares: record.shares,
            versions: record.versions,
            vault: vaultOf(assetId)
        });
    }

    /// @inheritdoc IAssetRegistry
    function assetsOf(uint128[] calldata assetIds) external view returns (Asset[] memory assets) {
        assets = new Asset[](assetIds.length);
        for (uint256 i = 0; i < assetIds.length; ++i) {
            assets[i] = assetOf(assetIds[i]);
        }
    }

    /// @inheritdoc IAssetRegistry
    function versionOf(uint128 assetId, uint32 version) public view returns (Version memory) {
        _checkVersion(assetId, _records[assetId], version);
        return _versions[assetId][version];
    }

    /// @inheritdoc IAssetRegistry
    function versionsOf(uint128 assetId, uint32 from, uint32 count) external view returns (Version[] memory versions) {
        uint256 newest = _recordOf(assetId).versions;
        uint256 left = from > newest ? 0 : newest - from + 1;
        versions = new Version[](count < left ? count : left);
        for (uint256 i = 0; i < versions.length; ++i) {
            // At most the newest version's number.
            // forge-lint: disable-next-line(unsafe-typecast)
            versions[i] = versionOf(assetId, uint32(from + i));
        }
    }

    /// @inheritdoc IAssetRegistry
    function contractURI() external pure returns (string memory) {
        return "data:application/json;utf8,{\"name\":\"Tributary Assets\",\"symbol\":\"ASSET\",\"description\":"
            "\"Datasets and models with their versions, lineage and share tables. Each token is one asset.\"}";
    }

    /// @notice Where the asset is described.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        ownerOf(tokenId);
        return _uris[tokenId];
    }

    function _store(uint128 assetId, Registration calldata registration, bool hasPolicy) private {
        Record storage record = _records[assetId];
        record.exists = true;
        record.kind = registration.kind;
        record.hasPolicy = hasPolicy;
        record.shares = registration.shares;
        _setDerivation(assetId, record, registration.derivation);
        _uris[assetId] = registration.uri;
    }

    /// @dev What an owner has announced does not bind the next one.
    function _beforeTokenTransfer(address from, address, uint256 tokenId) internal override {
        if (from == address(0)) return;
        // Only assets have tokens.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint128 assetId = uint128(tokenId);
        Record storage record = _records[assetId];
        ++record.transfers;
        if (record.changeAt != 0) _cancelChange(assetId, record);

        // Interaction: the vault is ours, and tells the ledger.
        address vault = vaultOf(assetId);
        (, uint64 policyAt) = IAttributionLedger(ledger).announcedPolicyOf(vault);
        if (policyAt != 0) IRoyaltyVault(vault).cancelPolicy();
    }
}
