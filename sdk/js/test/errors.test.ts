import assert from "node:assert/strict";
import { test } from "node:test";

import { type SuiteError, decodeSuiteError, errorsAbi, suiteErrorOf } from "@tributary/sdk";
import { BaseError, ContractFunctionRevertedError, encodeErrorResult, parseAbi } from "viem";

const vault = "0x00000000000000000000000000000000000000a1";
const data = encodeErrorResult({ abi: errorsAbi, errorName: "Ledger_UnknownVault", args: [vault] });

await test("an error of the suite is decoded with its arguments by name", () => {
  const error = decodeSuiteError(data);
  const args = { vault: "0x00000000000000000000000000000000000000A1" };
  assert.deepEqual(error, { name: "Ledger_UnknownVault", args });
  // The name decides the type of the arguments.
  const vaultOf = (error: SuiteError) => (error.name === "Ledger_UnknownVault" ? error.args.vault : undefined);
  assert.equal(error && vaultOf(error)?.toLowerCase(), vault);
});

await test("anything else is no error of the suite", () => {
  const foreign = encodeErrorResult({ abi: parseAbi(["error Foreign(uint256 a)"]), args: [1n] });
  assert.equal(decodeSuiteError(foreign), undefined);
  assert.equal(decodeSuiteError("0x"), undefined);
  assert.equal(decodeSuiteError("0x08c379a0"), undefined);
  assert.equal(suiteErrorOf(new Error("no")), undefined);
  assert.equal(suiteErrorOf(new BaseError("no")), undefined);
});

await test("the error is found under what viem wraps around it", () => {
  const reverted = new ContractFunctionRevertedError({ abi: [], data, functionName: "claim" });
  assert.equal(suiteErrorOf(new BaseError("outer", { cause: reverted }))?.name, "Ledger_UnknownVault");
});
