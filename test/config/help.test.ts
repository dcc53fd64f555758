import { expect, test } from "bun:test";
import { COMMANDS } from "../../src/config/commands.ts";
import { fieldsOf } from "../../src/config/flags.ts";
import { helpText } from "../../src/config/help.ts";
import { addressesIn, servedAddresses } from "../readme/addresses.ts";

const help = helpText("1.2.3");
const fields = Object.values(COMMANDS).flatMap(({ takes }) => fieldsOf(takes));

test("the manual names the version and fits a terminal", () => {
  expect(help).toStartWith("do-intent 1.2.3");
  expect(help.split("\n").filter((line) => line.length > 100)).toEqual([]);
});

test.each(Object.keys(COMMANDS))("the manual has the command %s", (name) => {
  expect(help).toContain(`\n  ${name} `);
});

test.each([...new Set(fields.flatMap(({ option }) => [option.flag ?? [], option.variable ?? []].flat()))])(
  "the manual has %s",
  (term) => {
    expect(help).toMatch(new RegExp(`(^|\\s)${term}\\s`, "m"));
  },
);

test("the manual tells defaults", () => {
  for (const fallback of ["./data", "3000", "0.0.0.0", "full", "pretty", "any", "the built-in config", "now"]) {
    expect(help.replace(/\s+/g, " ")).toContain(`Default: ${fallback}.`);
  }
});

test("the manual has every address that is served, and no other", async () => {
  const endpoints = help.slice(help.indexOf("\nEndpoints"), help.indexOf("\nFiles\n"));
  const served = (await servedAddresses()).map(({ address }) => address);
  expect([...addressesIn(endpoints)].sort()).toEqual(served.sort());
});
