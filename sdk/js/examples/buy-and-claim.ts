/**
 * Buys a license, reads what it allows, and claims a contributor's payout.
 *
 *   TRIBUTARY_RPC       the chain's node
 *   TRIBUTARY_MANIFEST  deployments/<chain id>.json
 *   TRIBUTARY_KEY       the private key of the account that buys, and that sends the claim
 *   OFFER               the offer to buy
 *   VAULT, TOKEN        whose payout is claimed: a model's vault, and in which token
 *   PROOF               a host's answer to GET /v1/epochs/{index}/proofs/{account}
 */
import { readFile } from "node:fs/promises";

import {
  attributionLedgerAbi,
  demoDollarAbi,
  licenseMarketAbi,
  licenseTokenAbi,
  parseManifest,
  suiteErrorOf,
} from "@tributary/sdk";
import { type Address, type Hex, createPublicClient, createWalletClient, http, parseEventLogs } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** A host's claim proof; amounts are decimal text. */
interface ClaimProof {
  index: number;
  leaf: { account: Address; cumulative: string };
  leafIndex: number;
  proof: Hex;
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const manifest = parseManifest(await readFile(setting("TRIBUTARY_MANIFEST"), "utf8"));
const { AttributionLedger, LicenseMarket, LicenseToken } = manifest.contracts;
const account = privateKeyToAccount(setting("TRIBUTARY_KEY") as Hex);
const transport = http(setting("TRIBUTARY_RPC"));
const chain = createPublicClient({ transport });
const wallet = createWalletClient({ account, transport });
if ((await chain.getChainId()) !== manifest.chainId) throw new Error("the manifest is of another chain");

/** Waits until a transaction is in a block, and returns its logs. */
async function included(hash: Hex) {
  const receipt = await chain.waitForTransactionReceipt({ hash, pollingInterval: 50 });
  if (receipt.status !== "success") throw new Error(`transaction ${hash} failed`);
  return receipt.logs;
}

async function buy(offerId: bigint): Promise<bigint> {
  const market = { address: LicenseMarket.address, abi: licenseMarketAbi } as const;
  const offer = await chain.readContract({ ...market, functionName: "offerOf", args: [offerId] });
  const allowance = await chain.simulateContract({
    account,
    address: offer.token,
    abi: demoDollarAbi,
    functionName: "approve",
    args: [LicenseMarket.address, offer.price],
  });
  await included(await wallet.writeContract(allowance.request));
  const purchase = await chain.simulateContract({
    account,
    ...market,
    functionName: "buy",
    args: [offerId, 1n, account.address, offer.price],
  });
  const logs = await included(await wallet.writeContract(purchase.request));
  const [bought] = parseEventLogs({ abi: licenseMarketAbi, eventName: "Bought", logs });
  if (bought === undefined) throw new Error("the market sold nothing");
  return bought.args.firstLicenseId;
}

async function show(licenseId: bigint): Promise<void> {
  const token = { address: LicenseToken.address, abi: licenseTokenAbi } as const;
  const license = await chain.readContract({ ...token, functionName: "licenseOf", args: [licenseId] });
  const terms = await chain.readContract({
    address: LicenseMarket.address,
    abi: licenseMarketAbi,
    functionName: "termsOf",
    args: [license.termsId],
  });
  const mayInfer = await chain.readContract({
    ...token,
    functionName: "isLicensed",
    args: [licenseId, account.address, 1n],
  });
  console.log(`license ${licenseId} for asset ${license.assetId}, rights ${terms.rights}, ${terms.maxCalls} calls`);
  console.log(`the buyer ${mayInfer ? "may" : "may not"} ask the model`);
}

async function claim(vault: Address, token: Address, { index, leaf, leafIndex, proof }: ClaimProof): Promise<bigint> {
  const { request } = await chain.simulateContract({
    account,
    address: AttributionLedger.address,
    abi: attributionLedgerAbi,
    functionName: "claim",
    args: [
      {
        vault,
        token,
        rootIndex: BigInt(index),
        account: leaf.account,
        cumulative: BigInt(leaf.cumulative),
        leafIndex: BigInt(leafIndex),
        proof,
      },
    ],
  });
  const logs = await included(await wallet.writeContract(request));
  const [claimed] = parseEventLogs({ abi: attributionLedgerAbi, eventName: "Claimed", logs });
  if (claimed === undefined) throw new Error("the ledger paid nothing");
  return claimed.args.amount;
}

try {
  await show(await buy(BigInt(setting("OFFER"))));
  const proof = JSON.parse(setting("PROOF")) as ClaimProof;
  const amount = await claim(setting("VAULT") as Address, setting("TOKEN") as Address, proof);
  console.log(`${proof.leaf.account} was paid ${amount} base units`);
} catch (error) {
  const refusal = suiteErrorOf(error);
  if (refusal === undefined) throw error;
  console.error(`refused: ${refusal.name}`, refusal.args);
  process.exitCode = 1;
}
