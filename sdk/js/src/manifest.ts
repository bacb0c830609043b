import { type Address, type Hex, isAddress, isAddressEqual, isHash, isHex } from "viem";

import { addresses, demoDollarAddress } from "./abi/addresses.js";

/** A contract of the suite. */
export type ContractName = keyof typeof addresses;

/** One contract on one chain. */
export interface DeployedContract {
  readonly address: Address;
  /** keccak-256 of the runtime code. */
  readonly codeHash: Hex;
  /** ABI-encoded; none for a contract that another one created. */
  readonly constructorArgs?: Hex;
}

/** What stands where on one chain: `deployments/<chain id>.json`, which `tributary deploy` writes. */
export interface ChainManifest {
  readonly chainId: number;
  /** The first block with one of the contracts: no event of the suite is older. */
  readonly deployedAt: bigint;
  readonly create2Proxy: Address;
  readonly salt: Hex;
  readonly contracts: Readonly<Record<ContractName, DeployedContract>>;
  /** The payment token of development chains, where it was deployed. */
  readonly demoDollar?: DeployedContract;
}

/** A manifest that does not read, or that belongs to another build than this SDK. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

/**
 * Reads a manifest and checks it against the addresses this SDK was built with: they follow from the code, so another
 * address is another contract, whose ABI may differ. What code stands there, `tributary deploy --check` says.
 */
export function parseManifest(text: string): ChainManifest {
  const manifest = record(parse(text), "the manifest");
  const listed = record(manifest["contracts"], "contracts");
  const names = Object.keys(addresses) as ContractName[];
  const contracts = Object.fromEntries(names.map((name) => [name, contract(listed, name, addresses[name])]));
  return {
    chainId: natural(manifest["chainId"], "chainId"),
    deployedAt: BigInt(natural(manifest["deployedAt"], "deployedAt")),
    create2Proxy: address(manifest["create2Proxy"], "create2Proxy"),
    salt: hash(manifest["salt"], "salt"),
    contracts: contracts as Record<ContractName, DeployedContract>,
    ...("DemoDollar" in listed && { demoDollar: contract(listed, "DemoDollar", demoDollarAddress) }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ManifestError("the manifest is no JSON", { cause });
  }
}

function contract(listed: Record<string, unknown>, name: string, expected: Address): DeployedContract {
  const entry = record(listed[name], name);
  const found = address(entry["address"], name);
  if (!isAddressEqual(found, expected)) {
    const advice = "use the SDK of its build";
    throw new ManifestError(`the manifest has ${name} at ${found}, this SDK knows it at ${expected}: ${advice}`);
  }
  const args = entry["constructorArgs"];
  if (args !== undefined && !isHex(args)) throw malformed(`${name}.constructorArgs`);
  return {
    address: found,
    codeHash: hash(entry["codeHash"], `${name}.codeHash`),
    ...(args !== undefined && { constructorArgs: args }),
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(what);
  return value as Record<string, unknown>;
}

function natural(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed(what);
  return value;
}

function address(value: unknown, what: string): Address {
  if (typeof value !== "string" || !isAddress(value)) throw malformed(what);
  return value;
}

function hash(value: unknown, what: string): Hex {
  if (typeof value !== "string" || !isHash(value)) throw malformed(what);
  return value;
}

function malformed(what: string): ManifestError {
  return new ManifestError(`${what} is missing or malformed: write the manifest anew with \`tributary deploy\``);
}
