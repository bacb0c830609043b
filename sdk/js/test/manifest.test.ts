import assert from "node:assert/strict";
import { test } from "node:test";

import { addresses, parseManifest } from "@tributary/sdk";
import { zeroAddress, zeroHash } from "viem";

const contracts = Object.fromEntries(
  Object.entries(addresses).map(([name, address]) => [name, { address, codeHash: zeroHash, constructorArgs: "0x" }]),
);
const manifest = { chainId: 31337, deployedAt: 2, create2Proxy: zeroAddress, salt: zeroHash, contracts };

await test("a manifest reads", () => {
  const read = parseManifest(JSON.stringify(manifest));
  assert.equal(read.deployedAt, 2n);
  assert.equal(read.contracts.LicenseMarket.address, addresses.LicenseMarket);
  assert.equal(read.demoDollar, undefined);
});

await test("a manifest of another build, or a broken one, is refused", () => {
  const moved = { ...contracts, LicenseMarket: { address: zeroAddress, codeHash: zeroHash } };
  const { LicenseMarket: _, ...fewer } = contracts;
  const wrong: [unknown, RegExp][] = [
    [{ ...manifest, contracts: moved }, /LicenseMarket at 0x0000.*use the SDK of its build/],
    [{ ...manifest, contracts: fewer }, /LicenseMarket is missing/],
    [{ ...manifest, chainId: "31337" }, /chainId is missing or malformed/],
    [{ ...manifest, salt: "0x" }, /salt is missing or malformed/],
    [[], /the manifest is missing or malformed/],
  ];
  for (const [value, error] of wrong) assert.throws(() => parseManifest(JSON.stringify(value)), error);
  assert.throws(() => parseManifest("{"), /is no JSON/);
});
