// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IConsentRegistry } from "../interfaces/IConsentRegistry.sol";

/// @title Contributions
/// @notice The EIP-712 encodings of what contributors sign.
library Contributions {
    bytes32 internal constant CONTRIBUTION_TYPEHASH = keccak256(
        "Contribution(uint128 datasetId,address contributor,bytes32 commitment,uint64 records,bytes32 termsHash,bytes32 payPolicyHash,uint256 nonce,uint64 deadline)"
    );

    bytes32 internal constant WITHDRAWAL_TYPEHASH = keccak256("Withdrawal(bytes32 contributionId,uint64 deadline)");

    bytes32 internal constant RECORD_WITHDRAWAL_TYPEHASH =
        keccak256("RecordWithdrawal(bytes32 contributionId,bytes32 commitment,uint64 deadline)");

    /// @notice The EIP-712 struct hash of a contribution (no domain).
    function hash(IConsentRegistry.Contribution calldata contribution) internal pure returns (bytes32) {
        return keccak256(abi.encode(CONTRIBUTION_TYPEHASH, contribution));
    }

    /// @notice The EIP-712 struct hash of a withdrawal (no domain).
    function hash(IConsentRegistry.Withdrawal calldata withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(WITHDRAWAL_TYPEHASH, withdrawal));
    }

    /// @notice The EIP-712 struct hash of the withdrawal of one record (no domain).
    function hash(IConsentRegistry.RecordWithdrawal memory withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECORD_WITHDRAWAL_TYPEHASH, withdrawal));
    }
}
