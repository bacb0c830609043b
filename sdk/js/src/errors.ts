import {
  type AbiParameterToPrimitiveType,
  BaseError,
  type Hex,
  decodeErrorResult,
  isHex,
  toFunctionSelector,
} from "viem";

import { errorsAbi } from "./abi/errors.js";

type ErrorItem = (typeof errorsAbi)[number];

/** The name of a custom error of the suite. */
export type SuiteErrorName = ErrorItem["name"];

type ErrorInput<Name extends SuiteErrorName> = Extract<ErrorItem, { name: Name }>["inputs"][number];

/** An error's arguments by their names in Solidity. */
export type SuiteErrorArgs<Name extends SuiteErrorName> = {
  readonly [Input in ErrorInput<Name> as Input["name"]]: AbiParameterToPrimitiveType<Input>;
};

/** A custom error of the suite: `switch (error.name)` tells which, and with it the type of `error.args`. */
export type SuiteError = {
  readonly [Name in SuiteErrorName]: { readonly name: Name; readonly args: SuiteErrorArgs<Name> };
}[SuiteErrorName];

const bySelector = new Map<string, ErrorItem>(errorsAbi.map((item) => [selectorOf(item), item]));

/** What revert data says; undefined for anything that is no custom error of the suite. */
export function decodeSuiteError(data: Hex): SuiteError | undefined {
  const item = bySelector.get(data.slice(0, 10).toLowerCase());
  if (item === undefined) return undefined;
  const { args } = decodeErrorResult({ abi: [item], data });
  const values: readonly unknown[] = args ?? [];
  // The pairs are the item's own names and what viem decoded for them: what the type says.
  return {
    name: item.name,
    args: Object.fromEntries(item.inputs.map((input, index) => [input.name, values[index]])),
  } as unknown as SuiteError;
}

/**
 * The custom error behind anything that viem throws when it simulates, estimates, reads or writes; undefined where a
 * contract of the suite did not refuse.
 */
export function suiteErrorOf(error: unknown): SuiteError | undefined {
  if (!(error instanceof BaseError)) return undefined;
  let found: SuiteError | undefined;
  error.walk((cause) => {
    for (const data of revertData(cause)) found ??= decodeSuiteError(data);
    return found !== undefined;
  });
  return found;
}

/** viem keeps revert data as `raw` or `data`, and nodes' own errors as `data.data`. */
function revertData(cause: unknown): Hex[] {
  const { raw, data } = cause as { raw?: unknown; data?: unknown };
  const inner = typeof data === "object" && data !== null ? (data as { data?: unknown }).data : undefined;
  return [raw, data, inner].filter((value): value is Hex => isHex(value));
}

/** An error's selector is that of a function with its name and arguments. */
function selectorOf(item: ErrorItem): Hex {
  const { name, inputs } = item;
  return toFunctionSelector({ type: "function", name, inputs, outputs: [], stateMutability: "view" });
}
