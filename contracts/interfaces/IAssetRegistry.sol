// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "./IAttributionLedger.sol";

/// @title IAssetRegistry
/// @notice Datasets and models as ERC-721 tokens, with their versions, their lineage and the table by which their money
/// is shared. The token id is the asset id. Every asset has one vault.
///
/// The lineage and the share table are fixed at registration. Versions are only ever added.
interface IAssetRegistry {
    enum AssetKind {
        DATASET,
        MODEL
    }

    /// @notice How a child uses its parent. DATA needs a dataset as parent; BASE, FINETUNE, MERGE and DISTIL need a
    /// model; EVAL takes either, and is exempt from the parent's derivation rule.
    enum EdgeKind {
        BASE,
        DATA,
        FINETUNE,
        MERGE,
        DISTIL,
        EVAL
    }

    /// @notice Who may derive from an asset: anyone, or its owner alone.
    enum DerivationRule {
        OPEN,
        CLOSED
    }

    /// @notice Lineage to a version of another asset.
    struct Edge {
        uint128 parent;
        uint32 parentVersion;
        EdgeKind kind;
        /// The share of the child's revenue that goes to the parent's vault, in basis points.
        uint16 shareBps;
    }

    /// @notice How revenue is shared, beside the edges' shares, in basis points. A zero address has a zero share.
    struct Shares {
        /// Whom the owner wants paid.
        address payee;
        uint16 payeeBps;
        /// Who serves the model.
        address host;
        uint16 hostBps;
        /// Who screens the records.
        address curators;
        uint16 curatorsBps;
        /// The pool that attribution divides among contributors.
        uint16 poolBps;
    }

    /// @notice What an asset asks of those derived from it.
    struct Derivation {
        DerivationRule rule;
        /// The least share that an edge to this asset must have, in basis points, at most 9,000.
        uint16 minShareBps;
    }

    /// @notice What an asset is registered with.
    struct Registration {
        AssetKind kind;
        /// Makes the id, with the caller; see {assetIdOf}.
        bytes32 salt;
        /// Who gets the token.
        address owner;
        Shares shares;
        /// At most 16.
        Edge[] edges;
        Derivation derivation;
        /// Who signs payouts of the pool. May have no signers only if the pool has no share.
        IAttributionLedger.Policy policy;
        /// Where the asset is described; the token's URI.
        string uri;
    }

    /// @notice An asset, without its lists.
    struct Asset {
        AssetKind kind;
        Derivation derivation;
        Shares shares;
        /// How many versions were published, which is the number of the newest.
        uint32 versions;
        address vault;
    }

    /// @notice A snapshot of a dataset or a release of a model.
    struct Version {
        /// A dataset's record root or a model's weights hash.
        bytes32 contentHash;
        /// keccak256 of the manifest.
        bytes32 manifestHash;
        /// Seconds since 1970.
        uint64 publishedAt;
        /// Where the manifest is.
        string uri;
    }

    /// @notice One line of a share table.
    struct Payee {
        address account;
        uint16 bps;
    }

    event AssetRegistered(
        uint128 indexed assetId, address indexed registrant, address indexed vault, Registration registration
    );

    event VersionPublished(
        uint128 indexed assetId, uint32 indexed version, bytes32 contentHash, bytes32 manifestHash, string uri
    );

    error Registry_AssetExists(uint128 assetId);
    error Registry_UnknownAsset(uint128 assetId);
    error Registry_UnknownVersion(uint128 assetId, uint32 version);
    error Registry_NotOwner(uint128 assetId, address caller);
    error Registry_TooManyEdges(uint256 count);
    error Registry_EdgeKindMismatch(uint128 parent, EdgeKind kind);
    error Registry_DerivationClosed(uint128 parent, address registrant);
    error Registry_ShareTooSmall(uint128 parent, uint16 shareBps, uint16 minShareBps);
    error Registry_BadMinShare(uint16 minShareBps);
    error Registry_UpstreamTooLarge(uint256 upstreamBps);
    error Registry_SharesNotWhole(uint256 totalBps);
    error Registry_PayeeMismatch(address account, uint16 bps);
    error Registry_PoolNeedsPolicy();
    error Registry_ZeroHash();

    /// @notice Registers an asset, mints its token to `registration.owner` and makes its vault.
    /// @dev By anyone. The cost grows with the number of edges and not with the depth of the lineage.
    /// Emits {AssetRegistered}, ERC-721 Transfer, and {IAttributionLedger-PolicyRegistered} if the policy has signers.
    /// Errors: Registry_AssetExists, Registry_TooManyEdges, Registry_UnknownAsset and Registry_UnknownVersion (of a
    /// parent), Registry_EdgeKindMismatch, Registry_DerivationClosed, Registry_ShareTooSmall, Registry_BadMinShare,
    /// Registry_UpstreamTooLarge (edges over 9,000), Registry_SharesNotWhole (edges and shares not exactly 10,000),
    /// Registry_PayeeMismatch (a share without an address or the reverse), Registry_PoolNeedsPolicy, and those of
    /// {IAttributionLedger-registerPolicy}.
    function register(Registration calldata registration) external returns (uint128 assetId, address vault);

    /// @notice Adds a version. The first is 1.
    /// @dev By the asset's owner. Emits {VersionPublished}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, Registry_ZeroHash (of either hash).
    function publish(uint128 assetId, bytes32 contentHash, bytes32 manifestHash, string calldata uri)
        external
        returns (uint32 version);

    /// @notice The ledger that every vault reports to.
    function ledger() external view returns (address);

    /// @notice What every vault is a clone of.
    function vaultImplementation() external view returns (address);

    /// @notice The id an asset gets: the low 128 bits of keccak256(abi.encode(registrant, salt)).
    function assetIdOf(address registrant, bytes32 salt) external pure returns (uint128);

    /// @notice An asset's vault; also tells where the vault of an asset not yet registered will be.
    function vaultOf(uint128 assetId) external view returns (address);

    /// @notice An asset. Errors: Registry_UnknownAsset.
    function assetOf(uint128 assetId) external view returns (Asset memory);

    /// @notice An asset's lineage, in the order given at registration. Errors: Registry_UnknownAsset.
    function edgesOf(uint128 assetId) external view returns (Edge[] memory);

    /// @notice A version of an asset. Errors: Registry_UnknownVersion.
    function versionOf(uint128 assetId, uint32 version) external view returns (Version memory);

    /// @notice Who shares an asset's revenue: the parents' vaults, then payee, host and curators, then the pool. Shares
    /// of nothing are left out; the sum with the pool's is 10,000. Errors: Registry_UnknownAsset.
    /// @return epoch How often the table was changed.
    function shareTable(uint128 assetId) external view returns (uint32 epoch, Payee[] memory payees, uint16 poolBps);

    /// @notice The vaults of the datasets that an asset was made from, with the shares of the edges to them, which may
    /// be 0. Errors: Registry_UnknownAsset.
    function dataParents(uint128 assetId) external view returns (Payee[] memory parents);
}
