// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Requests
/// @notice What a buyer signs: the authorisation of a session key, and with that key every request. The EIP-712 domain
/// of both is the `AttributionLedger`'s.
library Requests {
    /// @notice Signed by the session key for every call, so that a host cannot invent usage.
    struct InferenceRequest {
        /// Chosen by the client, unique.
        bytes32 id;
        /// The model asked.
        uint128 assetId;
        /// The release asked.
        uint32 version;
        /// The license the call is made under.
        uint256 licenseId;
        /// Salted commitment to the input.
        bytes32 inputCommitment;
        /// How much is asked for, in the model's units.
        uint64 units;
        /// When the client signed, in seconds since 1970.
        uint64 issuedAt;
    }

    /// @notice Signed at sign-in by the license's owner or user.
    struct SessionAuthorization {
        /// The license the session may use.
        uint256 licenseId;
        /// The key that will sign the session's requests.
        address sessionKey;
        /// The first second at which the session is no longer valid.
        uint64 expiresAt;
    }

    bytes32 internal constant REQUEST_TYPEHASH = keccak256(
        "InferenceRequest(bytes32 id,uint128 assetId,uint32 version,uint256 licenseId,bytes32 inputCommitment,uint64 units,uint64 issuedAt)"
    );

    bytes32 internal constant SESSION_TYPEHASH =
        keccak256("SessionAuthorization(uint256 licenseId,address sessionKey,uint64 expiresAt)");

    /// @notice The EIP-712 struct hash of a request (no domain).
    function hash(InferenceRequest calldata request) internal pure returns (bytes32) {
        return keccak256(abi.encode(REQUEST_TYPEHASH, request));
    }

    /// @notice The EIP-712 struct hash of a session authorisation (no domain).
    function hash(SessionAuthorization calldata authorization) internal pure returns (bytes32) {
        return keccak256(abi.encode(SESSION_TYPEHASH, authorization));
    }
}
