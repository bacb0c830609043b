// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC721 } from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import { Time } from "@openzeppelin/contracts/utils/types/Time.sol";

import { IAssetRegistry } from "../interfaces/IAssetRegistry.sol";
import { IConsentRegistry } from "../interfaces/IConsentRegistry.sol";
import { Purposes } from "../libraries/Purposes.sol";

/// @title Grants
/// @notice The part of {IConsentRegistry} that says who may use a dataset for what, and who did.
abstract contract Grants is IConsentRegistry {
    /// @inheritdoc IConsentRegistry
    address public immutable registry;

    mapping(uint128 datasetId => mapping(address grantee => Grant)) private _grants;

    constructor(IAssetRegistry registry_) {
        registry = address(registry_);
    }

    /// @inheritdoc IConsentRegistry
    function grant(uint128 datasetId, address grantee, uint128 purposes, uint64 until) external {
        // Check.
        _checkOwner(datasetId);

        _grant(datasetId, grantee, purposes, until);
    }

    /// @inheritdoc IConsentRegistry
    function grantMany(uint128 datasetId, address[] calldata grantees, uint128 purposes, uint64 until) external {
        // Check.
        _checkOwner(datasetId);

        for (uint256 i = 0; i < grantees.length; ++i) {
            _grant(datasetId, grantees[i], purposes, until);
        }
    }

    /// @inheritdoc IConsentRegistry
    function revoke(uint128 datasetId, address grantee) external {
        // Check.
        _checkOwner(datasetId);

        _revoke(datasetId, grantee);
    }

    /// @inheritdoc IConsentRegistry
    function revokeMany(uint128 datasetId, address[] calldata grantees) external {
        // Check.
        _checkOwner(datasetId);

        for (uint256 i = 0; i < grantees.length; ++i) {
            _revoke(datasetId, grantees[i]);
        }
    }

    /// @inheritdoc IConsentRegistry
    function recordAccess(uint128 datasetId, uint32 version, uint128 purposes, bytes32 evidenceHash) external {
        // Check.
        _checkPurposes(purposes);
        if (IERC721(registry).ownerOf(datasetId) != msg.sender && !isGranted(datasetId, msg.sender, purposes)) {
            revert Consent_NotGranted(datasetId, msg.sender, purposes);
        }
        // Check: fails for a version that is not there.
        IAssetRegistry(registry).versionOf(datasetId, version);

        // Log.
        emit Accessed({
            datasetId: datasetId, version: version, accessor: msg.sender, purposes: purposes, evidenceHash: evidenceHash
        });
    }

    /// @inheritdoc IConsentRegistry
    function grantOf(uint128 datasetId, address grantee) public view returns (Grant memory) {
        return _grants[datasetId][grantee];
    }

    /// @inheritdoc IConsentRegistry
    function grantsOf(uint128 datasetId, address[] calldata grantees) external view returns (Grant[] memory grants) {
        grants = new Grant[](grantees.length);
        for (uint256 i = 0; i < grantees.length; ++i) {
            grants[i] = grantOf(datasetId, grantees[i]);
        }
    }

    /// @inheritdoc IConsentRegistry
    function isGranted(uint128 datasetId, address grantee, uint128 purposes) public view returns (bool) {
        Grant storage given = _grants[datasetId][grantee];
        return purposes != 0 && block.timestamp < given.until && given.purposes & purposes == purposes;
    }

    function _grant(uint128 datasetId, address grantee, uint128 purposes, uint64 until) private {
        // Check.
        if (grantee == address(0)) revert Consent_ZeroGrantee();
        _checkPurposes(purposes);
        if (until <= block.timestamp) revert Consent_BadUntil(until, Time.timestamp());

        // Effect.
        _grants[datasetId][grantee] = Grant({ purposes: purposes, until: until });

        // Log.
        emit Granted({ datasetId: datasetId, grantee: grantee, purposes: purposes, until: until });
    }

    function _revoke(uint128 datasetId, address grantee) private {
        // Check.
        if (_grants[datasetId][grantee].until == 0) revert Consent_NoGrant(datasetId, grantee);

        // Effect.
        delete _grants[datasetId][grantee];

        // Log.
        emit Revoked({ datasetId: datasetId, grantee: grantee });
    }

    function _checkOwner(uint128 datasetId) private view {
        if (IERC721(registry).ownerOf(datasetId) != msg.sender) revert Consent_NotDatasetOwner(datasetId, msg.sender);
    }

    function _checkPurposes(uint128 purposes) private pure {
        if (purposes == 0 || purposes & ~Purposes.ALL != 0) revert Consent_BadPurposes(purposes);
    }
}
