// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721Errors } from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import { ERC721 } from "solady/tokens/ERC721.sol";
import { LibClone } from "solady/utils/LibClone.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { IRoyaltyVault } from "../interfaces/IRoyaltyVault.sol";

/// @title Assets
/// @notice What the parts of {IAssetRegistry} have in common: the assets' records, their owners and their vaults.
abstract contract Assets is IAssetRegistry, IERC721Errors, ERC721 {
    uint256 internal constant MAX_UPSTREAM_BPS = 9_000;
    uint256 internal constant MAX_EDGES = 16;

    /// @dev An asset. What a child's registration needs of its parents is in the first slot.
    struct Record {
        bool exists;
        AssetKind kind;
        DerivationRule rule;
        uint16 minShareBps;
        bool hasPolicy;
        /// How many versions were published.
        uint32 versions;
        /// How often the share table was changed.
        uint32 epoch;
        /// How often the asset changed hands.
        uint32 transfers;
        /// From when the pending change may be applied; 0 if there is none.
        uint48 changeAt;
        uint8 edgeCount;
        Shares shares;
    }

    /// @inheritdoc IAssetRegistry
    address public immutable ledger;
    /// @inheritdoc IAssetRegistry
    address public immutable vaultImplementation;

    mapping(uint128 assetId => Record) internal _records;

    constructor(IRoyaltyVault vaultImplementation_) {
        ledger = vaultImplementation_.ledger();
        vaultImplementation = address(vaultImplementation_);
    }

    /// @notice The collection's name.
    function name() public pure override returns (string memory) {
        return "Tributary Asset";
    }

    /// @notice The collection's symbol.
    function symbol() public pure override returns (string memory) {
        return "ASSET";
    }

    /// @notice Who owns an asset. Errors: ERC721NonexistentToken.
    function ownerOf(uint256 tokenId) public view override returns (address owner) {
        owner = _ownerOf(tokenId);
        if (owner == address(0)) revert ERC721NonexistentToken(tokenId);
    }

    /// @inheritdoc IAssetRegistry
    function vaultOf(uint128 assetId) public view returns (address) {
        return LibClone.predictDeterministicAddress({
            implementation: vaultImplementation,
            data: abi.encode(address(this), assetId),
            salt: bytes32(uint256(assetId)),
            deployer: address(this)
        });
    }

    /// @inheritdoc IAssetRegistry
    function assetIdOf(address registrant, bytes32 salt) public pure returns (uint128) {
        return uint128(uint256(keccak256(abi.encode(registrant, salt))));
    }

    function _recordOf(uint128 assetId) internal view returns (Record storage record) {
        record = _records[assetId];
        if (!record.exists) revert Registry_UnknownAsset(assetId);
    }

    /// @dev The record of an asset that is the caller's.
    function _ownRecordOf(uint128 assetId) internal view returns (Record storage record) {
        record = _recordOf(assetId);
        if (_ownerOf(assetId) != msg.sender) revert Registry_NotOwner(assetId, msg.sender);
    }

    function _checkVersion(uint128 assetId, Record storage record, uint32 version) internal view {
        if (version == 0 || version > record.versions) revert Registry_UnknownVersion(assetId, version);
    }
}
