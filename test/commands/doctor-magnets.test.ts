import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { examineMagnets } from "../../src/commands/doctor/magnets.ts";
import { parseIntentConfig } from "../../src/config/intent.ts";
import { temporaryFolder } from "../support/folder.ts";

test("doctor says which magnet has nothing to give, and where the file belongs", () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "magnets"));
  writeFileSync(join(folder.path, "magnets", "there.pdf"), "%PDF");
  const magnets = [
    { slug: "there", title: "There", file: "there.pdf" },
    { slug: "gone", title: "Gone", file: "gone.pdf" },
    { slug: "elsewhere", title: "Elsewhere", url: "https://files.example/a" },
  ];
  const parsed = parseIntentConfig(JSON.stringify({ magnets }));
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  const found = examineMagnets(parsed.config, folder.path);
  expect(found.map(({ check, state }) => [check, state])).toEqual([
    ["magnet there", "ok"],
    ["magnet gone", "fail"],
    ["magnet elsewhere", "ok"],
  ]);
  expect(found[1]?.says).toBe(`its file is not in ${join(folder.path, "magnets")}`);
  expect(found[1]?.remedy).toBe("put gone.pdf there, or mend file or magnets_folder");
});
