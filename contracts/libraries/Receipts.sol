// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Receipts
/// @notice The signed record of one served inference. Its EIP-712 domain is the `AttributionLedger`'s, and its struct
/// hash is the leaf data under a root's `receiptsRoot`.
library Receipts {
    /// @notice What was served, to whom, for what, under which weights.
    struct Receipt {
        /// The request's id; one request has at most one receipt.
        bytes32 id;
        /// The model that answered.
        uint128 assetId;
        /// The release that answered.
        uint32 version;
        /// The hash of the weights that answered: the release's content hash.
        bytes32 weightsHash;
        /// Who pays: the license's holder, or who made the payment.
        address payer;
        /// The license the call was served under; 0 if it was paid for singly.
        uint256 licenseId;
        /// The payment the call was served for; 0 under a license.
        bytes32 paymentId;
        /// The EIP-712 digest of the request.
        bytes32 requestHash;
        /// keccak256 of the request's signature.
        bytes32 requestSignatureHash;
        /// Salted commitment to the input.
        bytes32 inputCommitment;
        /// keccak256 of the output as served.
        bytes32 outputHash;
        /// keccak256 of the sketch of the output.
        bytes32 sketchHash;
        /// How much was served, in the model's units (calls, tokens).
        uint64 units;
        /// The token the call was paid in; zero under a license.
        address token;
        /// What the call cost in base units of `token`; 0 under a license.
        uint128 amount;
        /// When it was served, in seconds since 1970.
        uint64 servedAt;
    }

    bytes32 internal constant TYPEHASH = keccak256(
        "Receipt(bytes32 id,uint128 assetId,uint32 version,bytes32 weightsHash,address payer,uint256 licenseId,bytes32 paymentId,bytes32 requestHash,bytes32 requestSignatureHash,bytes32 inputCommitment,bytes32 outputHash,bytes32 sketchHash,uint64 units,address token,uint128 amount,uint64 servedAt)"
    );

    /// @notice The EIP-712 struct hash of a receipt (no domain).
    function hash(Receipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, receipt));
    }
}
