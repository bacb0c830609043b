/** The EIP-712 messages that people and session keys sign. Types are Solidity's, field by field. */
import { type Address, type Hex, type TypedDataDomain, encodeAbiParameters, keccak256, stringToHex } from "viem";

/** Of messages that `verifyingContract` verifies on a chain. */
export function domainOf(chainId: number, verifyingContract: Address) {
  return { name: "Tributary", version: "1", chainId, verifyingContract } as const satisfies TypedDataDomain;
}

/** A purchase that somebody else sends, out of the buyer's allowance. Verified by the license market. */
export const purchaseOrderTypes = {
  PurchaseOrder: [
    { name: "buyer", type: "address" },
    { name: "offerId", type: "uint256" },
    { name: "quantity", type: "uint64" },
    { name: "recipient", type: "address" },
    { name: "maxPrice", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** A renewal that somebody else sends, out of the payer's allowance. Verified by the license market. */
export const renewalOrderTypes = {
  RenewalOrder: [
    { name: "payer", type: "address" },
    { name: "licenseId", type: "uint256" },
    { name: "maxPrice", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** Payouts of one account, all to one recipient. Verified by the attribution ledger. */
export const claimOrderTypes = {
  ClaimOrder: [
    { name: "account", type: "address" },
    { name: "recipient", type: "address" },
    { name: "payouts", type: "Payout[]" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
  Payout: [
    { name: "vault", type: "address" },
    { name: "token", type: "address" },
    { name: "cumulative", type: "uint128" },
  ],
} as const;

/** Vault credits of one account, all to one recipient. Verified by the attribution ledger. */
export const withdrawOrderTypes = {
  WithdrawOrder: [
    { name: "account", type: "address" },
    { name: "recipient", type: "address" },
    { name: "sources", type: "Source[]" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
  Source: [
    { name: "vault", type: "address" },
    { name: "token", type: "address" },
  ],
} as const;

/** By which a license's holder or user lets a session key ask for it. Verified by the attribution ledger. */
export const sessionTypes = {
  SessionAuthorization: [
    { name: "licenseId", type: "uint256" },
    { name: "sessionKey", type: "address" },
    { name: "expiresAt", type: "uint64" },
  ],
} as const;

/** What a session key signs for every request. Verified by the attribution ledger. */
export const inferenceRequestTypes = {
  InferenceRequest: [
    { name: "id", type: "bytes32" },
    { name: "assetId", type: "uint128" },
    { name: "version", type: "uint32" },
    { name: "licenseId", type: "uint256" },
    { name: "inputCommitment", type: "bytes32" },
    { name: "units", type: "uint64" },
    { name: "issuedAt", type: "uint64" },
  ],
} as const;

/** A contributor's consent. Verified by the consent registry. */
export const consentTypes = {
  Contribution: [
    { name: "datasetId", type: "uint128" },
    { name: "contributor", type: "address" },
    { name: "commitment", type: "bytes32" },
    { name: "records", type: "uint64" },
    { name: "termsHash", type: "bytes32" },
    { name: "payPolicyHash", type: "bytes32" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** By which a contributor takes one record back. Verified by the consent registry. */
export const recordWithdrawalTypes = {
  RecordWithdrawal: [
    { name: "contributionId", type: "bytes32" },
    { name: "commitment", type: "bytes32" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** One purchase, as an ERC-3009 authorisation pays it. */
export interface AuthorizedPurchase {
  offerId: bigint;
  /** The offer's terms. */
  termsId: Hex;
  recipient: Address;
  quantity: bigint;
  /** The most that all licenses may cost, in base units. */
  maxPrice: bigint;
  /** Tells apart purchases that are the same in all else. */
  salt: Hex;
}

/** One renewal, as an ERC-3009 authorisation pays it. */
export interface AuthorizedRenewal {
  licenseId: bigint;
  /** The offer that the license was bought under. */
  offerId: bigint;
  /** The most that it may cost, in base units. */
  maxPrice: bigint;
  /** Tells apart renewals that are the same in all else. */
  salt: Hex;
}

/** The nonce that binds an ERC-3009 authorisation to `market` to one purchase. */
export function purchaseNonce(chainId: number, market: Address, purchase: AuthorizedPurchase): Hex {
  const { offerId, termsId, recipient, quantity, maxPrice, salt } = purchase;
  const types = ["uint256", "address", "uint256", "bytes32", "address", "uint64", "uint256", "bytes32"] as const;
  const values = [BigInt(chainId), market, offerId, termsId, recipient, quantity, maxPrice, salt] as const;
  return keccak256(encodeAbiParameters(parameters(types), values));
}

/** The nonce that binds an ERC-3009 authorisation to `market` to one renewal. */
export function renewalNonce(chainId: number, market: Address, renewal: AuthorizedRenewal): Hex {
  const { licenseId, offerId, maxPrice, salt } = renewal;
  const types = ["uint256", "address", "bytes32", "uint256", "uint256", "uint256", "bytes32"] as const;
  const what = stringToHex("renew", { size: 32 });
  const values = [BigInt(chainId), market, what, licenseId, offerId, maxPrice, salt] as const;
  return keccak256(encodeAbiParameters(parameters(types), values));
}

function parameters(types: readonly string[]) {
  return types.map((type) => ({ type }));
}
