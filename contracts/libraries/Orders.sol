// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ILicensePurchases } from "../interfaces/ILicensePurchases.sol";
import { ILicenseRenewals } from "../interfaces/ILicenseRenewals.sol";

/// @title Orders
/// @notice What buyers sign for a market: the EIP-712 struct hashes of its orders (no domain).
library Orders {
    bytes32 internal constant PURCHASE_TYPEHASH = keccak256(
        "PurchaseOrder(address buyer,uint256 offerId,uint64 quantity,address recipient,uint256 maxPrice,uint256 nonce,uint64 deadline)"
    );

    bytes32 internal constant RENEWAL_TYPEHASH =
        keccak256("RenewalOrder(address payer,uint256 licenseId,uint256 maxPrice,uint256 nonce,uint64 deadline)");

    /// @notice The struct hash of an order to buy.
    function hash(ILicensePurchases.PurchaseOrder calldata order) internal pure returns (bytes32) {
        return keccak256(abi.encode(PURCHASE_TYPEHASH, order));
    }

    /// @notice The struct hash of an order to renew.
    function hash(ILicenseRenewals.RenewalOrder calldata order) internal pure returns (bytes32) {
        return keccak256(abi.encode(RENEWAL_TYPEHASH, order));
    }
}
