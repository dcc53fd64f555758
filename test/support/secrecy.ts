import { expect } from "bun:test";
import type { Answer, TestInstance } from "./instance.ts";

/** Put into whatever is sent; it must not come back. */
export const MARKER = "m4rk3r";

/** An answer that refuses: our one shape, and in it, its headers and the log nothing of what was sent. */
export function expectRefusal(
  house: Pick<TestInstance, "logged">,
  answer: Answer<unknown>,
  expected: { status: number; code: string; field?: string | undefined; says?: string | undefined },
): void {
  const { status, code, field, says } = expected;
  expect(answer.headers.get("content-type")).toContain("application/json");
  const { error, ...others } = answer.body as { error: { code: string; message: string; field?: string } };
  expect(others).toEqual({});
  expect({ status: answer.status, code: error.code, field: error.field }).toEqual({ status, code, field });
  expect(Object.keys(error).every((key) => ["code", "message", "field"].includes(key))).toBe(true);
  expect(error.message).toMatch(/\w/);
  if (says !== undefined) expect(error.message).toContain(says);
  expectSecrecy(house, answer);
}

export function expectSecrecy(house: Pick<TestInstance, "logged">, answer: Answer<unknown>): void {
  const shown = [answer.text, ...answer.headers.entries(), ...house.logged].flat().join("\n").toLowerCase();
  expect(shown).not.toContain(MARKER);
}
