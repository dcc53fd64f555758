import { describe, expect, test } from "bun:test";
import { resolveSecret } from "../../src/config/secret.ts";

const env = { CRM_SECRET: "whsec_from_env", EMPTY: "" };
const files = new Map([
  ["/run/secrets/crm", "whsec_from_file\n"],
  ["/run/secrets/empty", "\n"],
]);

function readFile(path: string): string {
  const text = files.get(path);
  if (text === undefined) throw Object.assign(new Error("whsec_in_a_message"), { code: "ENOENT" });
  return text;
}

describe("a secret", () => {
  test.each([
    ["whsec_literal", "whsec_literal"],
    ["env:CRM_SECRET", "whsec_from_env"],
    ["file:/run/secrets/crm", "whsec_from_file"],
  ])("%s is resolved", (reference, secret) => {
    expect(resolveSecret(reference, env, readFile)).toBe(secret);
  });

  test.each([
    ["env:MISSING", "the variable MISSING is not set; it has to hold the secret"],
    ["env:EMPTY", "the variable EMPTY is not set; it has to hold the secret"],
    ["env:toString", "the variable toString is not set; it has to hold the secret"],
    ["file:/run/secrets/empty", "the file /run/secrets/empty is empty; it has to hold the secret"],
    ["file:/run/secrets/gone", "the file /run/secrets/gone cannot be read (ENOENT); it has to hold the secret"],
  ])("%s is missed by name", (reference, message) => {
    expect(() => resolveSecret(reference, env, readFile)).toThrow(message);
  });
});
