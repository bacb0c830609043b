// Written by `cargo xtask contracts`; do not edit.

/** Where the suite of this build stands: the same addresses on every chain, by CREATE2. */
export const addresses = {
  AttributionLedger: "0x8dd9a0BDB5Af4805816e128c69366F5ded6a1aea",
  LedgerExtension: "0xf3DB00fCDA2CCa0b4b19D39b7E4c0e566258A0c8",
  RoyaltyVault: "0x7eBe9Fb9252f4e9c711a260c6B8eE458392d063f",
  AssetRegistry: "0xF26c0a6eCA6Fb78ea8E479c9C7f619d6F855b06f",
  ConsentRegistry: "0x1123F3fCb6e98774F4E630E0882f986B5E136c6B",
  LicenseRenderer: "0x20c37A50bFdf88626b5c7071C1b84d58dAFE6523",
  LicenseMarket: "0xB634D0715e2F835b06c236ca57a4b12Fef4feef8",
  LicenseToken: "0xEAF8f8C50c610C6954589B2842BF20fCa8534db4",
  CommunityVotes: "0x257C780b67C53c1960987074373dD216ea763b25",
  CommunityGovernor: "0x6220a40B4d9b3355c5e6FB07E63b0e768aBC5E37",
  CommunityTimelock: "0x98aeEF08a3A71a25a3804295a1e5c5071fEdf232",
  CommunityFactory: "0x78158213Db96C6Fb5f7D10C87e892725C5b9ACF2",
} as const;

/** The dollar of development chains; no part of the suite. */
export const demoDollarAddress = "0xEE9d909e8f5bA6A7E4d2830E7841f801B02e2a92";
