// Written by `cargo xtask contracts`; do not edit.

/** Where the suite of this build stands: the same addresses on every chain, by CREATE2. */
export const addresses = {
  AttributionLedger: "0x8dd9a0BDB5Af4805816e128c69366F5ded6a1aea",
  LedgerExtension: "0xf3DB00fCDA2CCa0b4b19D39b7E4c0e566258A0c8",
  RoyaltyVault: "0x7eBe9Fb9252f4e9c711a260c6B8eE458392d063f",
  AssetRegistry: "0xF089320467b6462Df94E80697b3d763856Ee1586",
  ConsentRegistry: "0xF02BB865DFb82530e21d55a8731257Caf467B8d6",
  LicenseRenderer: "0x20c37A50bFdf88626b5c7071C1b84d58dAFE6523",
  LicenseMarket: "0x367c2294Bba7f6C36e504525700c26A14Da60671",
  LicenseToken: "0x33762a81815d0FC12d2Eb20D31EA19007Bc226cf",
  CommunityVotes: "0xE8bbF21333Ce00b5e9A78057FE6f2aefE43d97bf",
  CommunityGovernor: "0x6220a40B4d9b3355c5e6FB07E63b0e768aBC5E37",
  CommunityTimelock: "0x98aeEF08a3A71a25a3804295a1e5c5071fEdf232",
  CommunityFactory: "0x726D61171759a0595bFf974a9777683cEfb09F06",
} as const;

/** The dollar of development chains; no part of the suite. */
export const demoDollarAddress = "0xEE9d909e8f5bA6A7E4d2830E7841f801B02e2a92";
