// Written by `cargo xtask contracts`; do not edit.

export { assetRegistryAbi } from "./AssetRegistry.js";
export { attributionLedgerAbi } from "./AttributionLedger.js";
export { communityFactoryAbi } from "./CommunityFactory.js";
export { communityGovernorAbi } from "./CommunityGovernor.js";
export { communityTimelockAbi } from "./CommunityTimelock.js";
export { communityVotesAbi } from "./CommunityVotes.js";
export { consentRegistryAbi } from "./ConsentRegistry.js";
export { demoDollarAbi } from "./DemoDollar.js";
export { licenseMarketAbi } from "./LicenseMarket.js";
export { licenseRendererAbi } from "./LicenseRenderer.js";
export { licenseTokenAbi } from "./LicenseToken.js";
export { royaltyVaultAbi } from "./RoyaltyVault.js";
export { demoDollarAddress, addresses } from "./addresses.js";
export { errorsAbi } from "./errors.js";
