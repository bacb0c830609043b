/** The SDK against the golden vectors that Rust writes and Solidity tests. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import {
  addresses,
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
} from "@tributary/sdk";
import { type Address, type Hex, type TypedDataParameter, hashTypedData } from "viem";

type Cases<T> = { count: number } & Record<`case${number}`, T>;

interface TypedDataVectors {
  chainId: number;
  verifyingContract: Address;
  messages: Record<string, Cases<Record<string, unknown> & { digest: Hex }>>;
  authorizations: {
    Purchase: Cases<
      Record<"offerId" | "quantity" | "maxPrice", string> & Record<"termsId" | "recipient" | "salt" | "nonce", Hex>
    >;
    Renewal: Cases<Record<"licenseId" | "offerId" | "maxPrice", string> & Record<"salt" | "nonce", Hex>>;
  };
}

/** A vector without cases would test nothing. */
function casesOf<T>(cases: Cases<T> | undefined, name: string): T[] {
  assert.equal(cases !== undefined && cases.count > 0, true, `no vector of ${name}`);
  const all = Array.from({ length: cases?.count ?? 0 }, (_, index) => cases?.[`case${index}`]);
  return all.filter((one) => one !== undefined);
}

/** From `dist/test`, where this runs. */
const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../../../test/vectors/${name}`, import.meta.url), "utf8")) as unknown;

await test("messages have the vectors' digests", async () => {
  const vectors = (await read("typed_data.json")) as TypedDataVectors;
  const domain = domainOf(vectors.chainId, vectors.verifyingContract);
  const all: [string, Record<string, readonly TypedDataParameter[]>][] = [
    ["SessionAuthorization", sessionTypes],
    ["InferenceRequest", inferenceRequestTypes],
    ["Contribution", consentTypes],
    ["RecordWithdrawal", recordWithdrawalTypes],
    ["PurchaseOrder", purchaseOrderTypes],
    ["RenewalOrder", renewalOrderTypes],
    ["ClaimOrder", claimOrderTypes],
    ["WithdrawOrder", withdrawOrderTypes],
  ];
  for (const [primaryType, types] of all) {
    for (const message of casesOf(vectors.messages[primaryType], primaryType)) {
      assert.equal(hashTypedData({ domain, types, primaryType, message }), message.digest, primaryType);
    }
  }
});

await test("authorisations have the vectors' nonces", async () => {
  const { chainId, verifyingContract, authorizations } = (await read("typed_data.json")) as TypedDataVectors;
  for (const { offerId, quantity, maxPrice, nonce, ...rest } of casesOf(authorizations.Purchase, "Purchase")) {
    const amounts = { offerId: BigInt(offerId), quantity: BigInt(quantity), maxPrice: BigInt(maxPrice) };
    assert.equal(purchaseNonce(chainId, verifyingContract, { ...rest, ...amounts }), nonce);
  }
  for (const { licenseId, offerId, maxPrice, nonce, ...rest } of casesOf(authorizations.Renewal, "Renewal")) {
    const amounts = { licenseId: BigInt(licenseId), offerId: BigInt(offerId), maxPrice: BigInt(maxPrice) };
    assert.equal(renewalNonce(chainId, verifyingContract, { ...rest, ...amounts }), nonce);
  }
});

await test("the suite is where Rust and Solidity have it", async () => {
  const { contracts } = (await read("deployment.json")) as { contracts: Record<string, string> };
  const lower = Object.entries(addresses).map(([name, address]) => [name, address.toLowerCase()]);
  assert.deepEqual(Object.fromEntries(lower), contracts);
});
