/** The SDK against the golden vectors that Rust writes and Solidity tests. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { addresses, consentTypes, domainOf, inferenceRequestTypes, sessionTypes } from "@tributary/sdk";
import { type Address, type Hex, type TypedDataParameter, hashTypedData } from "viem";

interface TypedDataVectors {
  chainId: number;
  verifyingContract: Address;
  messages: Record<string, { count: number } & Record<`case${number}`, Record<string, string> & { digest: Hex }>>;
}

/** From `dist/test`, where this runs. */
const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../../../test/vectors/${name}`, import.meta.url), "utf8")) as unknown;

await test("messages have the vectors' digests", async () => {
  const vectors = (await read("typed_data.json")) as TypedDataVectors;
  const domain = domainOf(vectors.chainId, vectors.verifyingContract);
  const types = { ...sessionTypes, ...inferenceRequestTypes, ...consentTypes };
  for (const [primaryType, fields] of Object.entries<readonly TypedDataParameter[]>(types)) {
    const cases = vectors.messages[primaryType];
    assert.equal(cases !== undefined && cases.count > 0, true, `no vector of ${primaryType}`);
    for (let index = 0; index < (cases?.count ?? 0); index++) {
      const message = cases?.[`case${index}`];
      const digest = hashTypedData({ domain, types: { [primaryType]: fields }, primaryType, message: message ?? {} });
      assert.equal(digest, message?.digest, `${primaryType} ${index}`);
    }
  }
});

await test("the suite is where Rust and Solidity have it", async () => {
  const { contracts } = (await read("deployment.json")) as { contracts: Record<string, string> };
  const lower = Object.entries(addresses).map(([name, address]) => [name, address.toLowerCase()]);
  assert.deepEqual(Object.fromEntries(lower), contracts);
});
