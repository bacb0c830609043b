// The little of Node that examples and tests use; the SDK itself uses nothing of it.

declare const process: { readonly env: Readonly<Record<string, string | undefined>>; exitCode?: number };

declare module "node:fs/promises" {
  export function readFile(path: string | URL, encoding: "utf8"): Promise<string>;
}

declare module "node:test" {
  export function test(name: string, body: () => void | Promise<void>): Promise<void>;
}

declare module "node:assert/strict" {
  const assert: {
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    throws(body: () => unknown, expected: RegExp): void;
  };
  export default assert;
}
