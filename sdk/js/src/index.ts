/**
 * Typed ABIs, addresses, errors and messages of the Tributary contracts, for viem.
 *
 * - `abi/`: written by `cargo xtask contracts` from the same artifacts that the Rust side deploys
 * - `errors`: a revert of any contract of the suite as a discriminated union
 * - `manifest`: what stands where on one chain
 * - `typedData`: the EIP-712 messages that people sign
 */
export * from "./abi/index.js";
export { decodeSuiteError, suiteErrorOf, type SuiteError, type SuiteErrorArgs, type SuiteErrorName } from "./errors.js";
export {
  type ChainManifest,
  type ContractName,
  type DeployedContract,
  ManifestError,
  parseManifest,
} from "./manifest.js";
export {
  type AuthorizedPurchase,
  type AuthorizedRenewal,
  claimOrderTypes,
  consentTypes,
  domainOf,
  inferenceRequestTypes,
  purchaseNonce,
  purchaseOrderTypes,
  recordWithdrawalTypes,
  renewalNonce,
  renewalOrderTypes,
  sessionTypes,
  withdrawOrderTypes,
} from "./typed-data.js";
