// Written by `cargo xtask contracts`; do not edit.

/** Where the suite of this build stands: the same addresses on every chain, by CREATE2. */
export const addresses = {
  AttributionLedger: "0x583F2E2129E4bC7a3B1C252c46F8628c69696B3E",
  RoyaltyVault: "0xEEEE119124Ed5Cae10eF4559F8EB2fDA0538AEE2",
  AssetRegistry: "0x21f77081b9065764616668a0D0F0Dd712EC2A807",
  ConsentRegistry: "0x219CF3E0B43D1408DaC38871d0DAebb755e6e420",
  LicenseRenderer: "0x164651E91cAbd07CE5A2642874F71b3d133a9F55",
  LicenseMarket: "0x11A94f5879F3f343224F2251F0766e3fD97C0ac3",
  LicenseToken: "0x883BF5f02Ed5858eE6980AF56A09529C727c802f",
} as const;

/** The dollar of development chains; no part of the suite. */
export const demoDollarAddress = "0xEE9d909e8f5bA6A7E4d2830E7841f801B02e2a92";
