// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAttributionLedger } from "./IAttributionLedger.sol";

/// @title IAssetRegistry
/// @notice Datasets and models as ERC-721 tokens, with their versions, their lineage and the table by which their money
/// is shared. The token id is the asset id. Every asset has one vault.
///
/// Versions and edges are only ever added. The share table changes only by a change announced {minimumNotice} before, and
/// what a parent gets falls only with the consent of the parent's owner. What a vault has not distributed by then is
/// divided by the new table. When an asset changes hands, its pending change and policy are cancelled, and what its old
/// owner allowed to others is void.
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

    /// @notice Who may derive from an asset: anyone, who has a license for it, or nobody. Its owner always may, and so may
    /// a child that its owner has allowed.
    enum DerivationRule {
        OPEN,
        LICENSED,
        CLOSED
    }

    /// @notice Lineage to a version of another asset.
    struct Edge {
        uint128 parent;
        uint32 parentVersion;
        EdgeKind kind;
        /// The share of the child's revenue that goes to the parent's vault, in basis points.
        uint16 shareBps;
        /// The license it is made under, of the parent's license token; under 2⁷². Read only if the parent asks for one,
        /// and 0 in {edgesOf} otherwise.
        uint256 licenseId;
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
        /// An {ILicenseToken} whose licenses let derive, if the rule is LICENSED; otherwise zero. The right needed is
        /// FINE_TUNE for BASE and FINETUNE, DISTIL for DISTIL, MERGE for MERGE and TRAIN for DATA.
        address licenseToken;
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

    /// @notice A new share table.
    struct Change {
        /// Edges to add; with those there are, at most 16.
        Edge[] added;
        /// The shares of all edges, in basis points: those there are, in their order, then the added ones, whose own
        /// `shareBps` says the same.
        uint16[] edgeShares;
        Shares shares;
    }

    /// @notice A change that was announced; all zero if there is none.
    struct PendingChange {
        /// keccak256(abi.encode(change)).
        bytes32 changeHash;
        /// From when it may be applied, in seconds since 1970.
        uint64 effectiveAt;
    }

    /// @notice A parent's consent to get less; all zero if there is none that still holds.
    struct ShareConsent {
        /// Who gave it: the parent's owner then and now.
        address owner;
        /// The least that the child's edges to the parent may come to, in basis points.
        uint16 shareBps;
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

    event DerivationSet(uint128 indexed assetId, Derivation derivation);
    event ChildAllowed(uint128 indexed parentId, uint128 indexed childId, address indexed owner);
    event ChildDisallowed(uint128 indexed parentId, uint128 indexed childId, address indexed owner);
    event ShareConsented(uint128 indexed parentId, uint128 indexed childId, address indexed owner, uint16 shareBps);

    /// @param effectiveAt From when it may be applied, in seconds since 1970.
    event ChangeAnnounced(uint128 indexed assetId, bytes32 indexed changeHash, Change change, uint64 effectiveAt);
    event ChangeCancelled(uint128 indexed assetId, bytes32 indexed changeHash);

    /// @param epoch The number of the table that is good from now on.
    event ChangeApplied(uint128 indexed assetId, bytes32 indexed changeHash, uint32 epoch);

    /// @notice ERC-7572: the collection's metadata changed.
    event ContractURIUpdated();

    error Registry_AssetExists(uint128 assetId);
    error Registry_UnknownAsset(uint128 assetId);
    error Registry_UnknownVersion(uint128 assetId, uint32 version);
    error Registry_NotOwner(uint128 assetId, address caller);
    error Registry_TooManyEdges(uint256 count);
    error Registry_EdgeKindMismatch(uint128 parent, EdgeKind kind);
    error Registry_OwnParent(uint128 assetId);
    error Registry_DerivationClosed(uint128 parent, address deriver);
    error Registry_NotLicensed(uint128 parent, address deriver, uint256 licenseId);
    error Registry_LicenseTokenMismatch(DerivationRule rule, address licenseToken);
    error Registry_ShareTooSmall(uint128 parent, uint16 shareBps, uint16 minShareBps);
    error Registry_BadMinShare(uint16 minShareBps);
    error Registry_UpstreamTooLarge(uint256 upstreamBps);
    error Registry_SharesNotWhole(uint256 totalBps);
    error Registry_PayeeMismatch(address account, uint16 bps);
    error Registry_PoolNeedsPolicy();
    error Registry_ZeroHash();
    error Registry_EdgeSharesMismatch(uint256 shares, uint256 edges);
    error Registry_EdgeShareMismatch(uint128 parent, uint16 edgeShare, uint16 shareBps);
    error Registry_ShareFalls(uint128 parent, uint256 from, uint256 to);
    error Registry_NoPendingChange(uint128 assetId);
    error Registry_OtherChange(uint128 assetId, bytes32 changeHash, bytes32 pendingHash);
    error Registry_ChangeNotDue(uint128 assetId, uint64 effectiveAt);

    /// @notice Registers an asset, mints its token to `registration.owner` and makes its vault.
    /// @dev By anyone. The cost grows with the number of edges and not with the depth of the lineage.
    /// Emits {AssetRegistered}, ERC-721 Transfer, and {IAttributionLedger-PolicyRegistered} if the policy has signers.
    /// Errors: Registry_AssetExists, Registry_TooManyEdges, Registry_UnknownAsset and Registry_UnknownVersion (of a
    /// parent), Registry_EdgeKindMismatch, Registry_DerivationClosed, Registry_NotLicensed (the caller, for that parent
    /// and use), Registry_ShareTooSmall, Registry_BadMinShare, Registry_LicenseTokenMismatch (a token without the rule
    /// LICENSED or the reverse), Registry_UpstreamTooLarge (edges over 9,000), Registry_SharesNotWhole (edges and shares
    /// not exactly 10,000), Registry_PayeeMismatch (a share without an address or the reverse), Registry_PoolNeedsPolicy,
    /// SafeCastOverflowedUintDowncast (a license id of 2⁷² or more), and those of {IAttributionLedger-registerPolicy}.
    function register(Registration calldata registration) external returns (uint128 assetId, address vault);

    /// @notice Adds a version. The first is 1.
    /// @dev By the asset's owner. Emits {VersionPublished}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, Registry_ZeroHash (of either hash).
    function publish(uint128 assetId, bytes32 contentHash, bytes32 manifestHash, string calldata uri)
        external
        returns (uint32 version);

    /// @notice Changes what an asset asks of those derived from it, at once. Children there are stay as they are.
    /// @dev By the asset's owner. Emits {DerivationSet}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, Registry_BadMinShare, Registry_LicenseTokenMismatch.
    function setDerivation(uint128 assetId, Derivation calldata derivation) external;

    /// @notice Lets one child derive from an asset whatever the rule; its share must still be enough. Void once the
    /// parent changes hands.
    /// @dev By the parent's owner; the child need not exist yet. Emits {ChildAllowed}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner.
    function allowChild(uint128 parentId, uint128 childId) external;

    /// @notice Takes back {allowChild}. An edge there is stays.
    /// @dev By the parent's owner. Emits {ChildDisallowed}. Errors: Registry_UnknownAsset, Registry_NotOwner.
    function disallowChild(uint128 parentId, uint128 childId) external;

    /// @notice Consents to getting less of a child's revenue. Replaces an earlier consent; used up by the first change
    /// that lowers an edge to the parent; void once the parent changes hands.
    /// @dev By the parent's owner. To take a consent back, consent to what the parent gets already. Emits
    /// {ShareConsented}. Errors: Registry_UnknownAsset, Registry_NotOwner.
    /// @param shareBps The least that the child's edges to the parent may come to, in basis points. EVAL edges are
    /// counted apart from the others.
    function consentToShare(uint128 parentId, uint128 childId, uint16 shareBps) external;

    /// @notice Announces a change of an asset's share table. Replaces one that is pending, and starts the notice again.
    /// @dev By the asset's owner. Checks all that {applyChange} will, but the parents' consent, which can be given until
    /// then. Emits {ChangeAnnounced}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, Registry_EdgeSharesMismatch (not one share for each edge),
    /// Registry_EdgeShareMismatch (an added edge says otherwise), Registry_OwnParent, and of {register} those about edges
    /// and shares; the owner is who derives.
    function announceChange(uint128 assetId, Change calldata change) external;

    /// @notice Takes back what {announceChange} announced.
    /// @dev By the asset's owner. Emits {ChangeCancelled}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, Registry_NoPendingChange.
    function cancelChange(uint128 assetId) external;

    /// @notice Makes an announced change after its notice. The vault divides what it has not distributed by the new
    /// table.
    /// @dev By anyone. The cost grows with the number of edges and not with the depth of the lineage. Emits
    /// {ChangeApplied}.
    /// Errors: Registry_UnknownAsset, Registry_NoPendingChange, Registry_OtherChange, Registry_ChangeNotDue,
    /// Registry_ShareFalls (what a parent gets, without its consent), and those of {announceChange} but Registry_NotOwner:
    /// the parents' rules are those of now.
    /// @param change Exactly what was announced.
    function applyChange(uint128 assetId, Change calldata change) external;

    /// @notice Gives the asset's vault another policy, after the ledger's delay; at once if it has none yet.
    /// @dev By the asset's owner. Emits {IAttributionLedger-PolicyAnnounced} or {IAttributionLedger-PolicyRegistered}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, and those of {IRoyaltyVault-announcePolicy} and
    /// {IRoyaltyVault-initialize}.
    function announcePolicy(uint128 assetId, IAttributionLedger.Policy calldata policy) external;

    /// @notice Takes back what {announcePolicy} announced, before it has taken effect.
    /// @dev By the asset's owner. Emits {IAttributionLedger-PolicyCancelled}.
    /// Errors: Registry_UnknownAsset, Registry_NotOwner, and those of {IRoyaltyVault-cancelPolicy}.
    function cancelPolicy(uint128 assetId) external;

    /// @notice ERC-7572: a JSON data URI that describes the collection.
    function contractURI() external pure returns (string memory);

    /// @notice Seconds from the announcement of a change to when it may be applied.
    function minimumNotice() external pure returns (uint64);

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

    /// @notice Assets. Errors: Registry_UnknownAsset.
    function assetsOf(uint128[] calldata assetIds) external view returns (Asset[] memory);

    /// @notice An asset's lineage, in the order in which it was made. Errors: Registry_UnknownAsset.
    function edgesOf(uint128 assetId) external view returns (Edge[] memory);

    /// @notice A version of an asset. Errors: Registry_UnknownVersion.
    function versionOf(uint128 assetId, uint32 version) external view returns (Version memory);

    /// @notice Versions of an asset, from number `from` on: as many as there are, at most `count`.
    /// Errors: Registry_UnknownAsset, Registry_UnknownVersion (from 0).
    function versionsOf(uint128 assetId, uint32 from, uint32 count) external view returns (Version[] memory);

    /// @notice Who shares an asset's revenue: the parents' vaults, then payee, host and curators, then the pool. Shares
    /// of nothing are left out; the sum with the pool's is 10,000. Errors: Registry_UnknownAsset.
    /// @return epoch The number of the table: 0 at first, one more with each change.
    function shareTable(uint128 assetId) external view returns (uint32 epoch, Payee[] memory payees, uint16 poolBps);

    /// @notice The vaults of the datasets a model was trained on, with the shares of its DATA edges, shares of nothing
    /// among them. Errors: Registry_UnknownAsset.
    function dataParents(uint128 assetId) external view returns (Payee[] memory);

    /// @notice The change of an asset's share table that waits for its notice to pass. Errors: Registry_UnknownAsset.
    function pendingChangeOf(uint128 assetId) external view returns (PendingChange memory);

    /// @notice A parent's consent to get less of a child's revenue. Errors: Registry_UnknownAsset.
    function shareConsentOf(uint128 parentId, uint128 childId) external view returns (ShareConsent memory);

    /// @notice Whether the owner of a parent has allowed the child. Errors: Registry_UnknownAsset.
    function isChildAllowed(uint128 parentId, uint128 childId) external view returns (bool);
}
