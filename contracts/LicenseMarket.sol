// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import { IAssetRegistry } from "./interfaces/IAssetRegistry.sol";
import { ILicenseRenderer } from "./interfaces/ILicenseRenderer.sol";
import { LicenseToken } from "./LicenseToken.sol";
import { Offers } from "./license/Offers.sol";
import { Renewals } from "./license/Renewals.sol";

/// @title LicenseMarket
/// @notice See {ILicenseMarket}. Its parts: {Offers}, {Payments}, {SignedOrders}, {Purchases} and {Renewals}. It makes
/// its license token.
contract LicenseMarket is Renewals {
    constructor(IAssetRegistry registry_, ILicenseRenderer renderer_)
        Offers(registry_, address(new LicenseToken(registry_, renderer_)))
        EIP712("Tributary", "1")
    { }
}
