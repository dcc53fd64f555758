import { expect, test } from "bun:test";
import { runMerges } from "../../src/commands/merges.ts";
import type { Command } from "../../src/config/commands.ts";
import { parseCommand } from "../../src/config/flags.ts";
import { AppError } from "../../src/core/error.ts";
import type { MergesAnswer } from "../../src/features/merges/merges.ts";
import type { ReviewsAnswer } from "../../src/features/merges/reviews.ts";
import { temporaryFolder } from "../support/folder.ts";
import { SECRET_KEY, startInstance, type TestInstance } from "../support/instance.ts";

type MergesCommand = Parameters<typeof runMerges>[0];

async function run(line: string, folder: string, env: { [variable: string]: string } = {}): Promise<string[]> {
  const parsed = parseCommand([...line.split(" "), "--data", folder], env);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const lines: string[] = [];
  const write = (text: string) => void lines.push(text);
  await runMerges(parsed.command as Extract<Command, MergesCommand>, write, write);
  return lines;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error("it did not fail as it should");
  return error.message;
}

/** A merge and a review, as a day of browsers leaves them. */
async function live(instance: TestInstance): Promise<{ mergeId: string; reviewId: string }> {
  for (const visitor of ["one", "two"]) {
    await instance.post("/track", { event: "page_view", anonymous_id: visitor, url: "/pricing" });
    await instance.postSecret("/identify", { anonymous_id: visitor, identity: { email: "ada@acme.com" } });
  }
  await instance.post("/identify", { anonymous_id: "one", identity: { email: "ada@acme.com", phone: "+27821234567" } });
  const { merges } = (await instance.getSecret<MergesAnswer>("/merges")).body;
  const { reviews } = (await instance.getSecret<ReviewsAnswer>("/reviews")).body;
  return { mergeId: merges[0]?.merge_id ?? "", reviewId: reviews[0]?.review_id ?? "" };
}

test("lists are read beside a running server, and what decides is refused there, with the way out", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  const { mergeId, reviewId } = await live(instance);
  const [head, merge] = await run("merges", folder.path);
  expect(head).toMatch(/^merge +merged at +by +through +survivor +absorbed +undone at$/);
  expect(merge).toMatch(
    new RegExp(`^${mergeId} +2026-06-01 12:00 +secret_key +email\\+anonymous_id +per_\\w+ +per_\\w+ +-$`),
  );
  expect((await run("reviews", folder.path))[1]).toMatch(
    new RegExp(`^${reviewId} +2026-06-01 12:00 +unsigned_claim +per_\\w+ +phone \\+27821234567$`),
  );
  expect(await run("reviews --state approved", folder.path)).toHaveLength(1);
  const refused = await failure(run(`merges undo ${mergeId}`, folder.path));
  expect(refused).toContain("another do-intent is running");
  expect(refused).toContain("--server");
});

test("a folder that no server has is changed itself, and the next start knows", async () => {
  using folder = temporaryFolder();
  const first = startInstance({ dataFolder: folder.path });
  const { mergeId, reviewId } = await live(first);
  await first[Symbol.asyncDispose]();
  const undone = await run(`merges undo ${mergeId}`, folder.path);
  expect(undone[0]).toBe(`${mergeId}: undone`);
  expect(undone.slice(1).every((line) => /^per_\w+: \d+\.\d\d, (cold|warm|hot|burning)$/.test(line))).toBe(true);
  expect(await failure(run(`merges undo ${mergeId}`, folder.path))).toContain("this merge was undone at");
  expect((await run(`reviews approve ${reviewId}`, folder.path))[0]).toBe(`${reviewId}: approved`);
  await using second = startInstance({ dataFolder: folder.path });
  expect((await second.getSecret("/people/%2B27821234567")).status).toBe(200);
  expect(
    second.rows(
      "select key_id, action from audit where action <> 'read' and action not like 'config%' order by audit_id",
    ),
  ).toEqual(
    expect.arrayContaining([
      { key_id: "command line", action: "merge_undo" },
      { key_id: "command line", action: "review_approve" },
    ]),
  );
});

test("a running server does it when it is named, with the key from the environment", async () => {
  using folder = temporaryFolder();
  await using instance = startInstance({ dataFolder: folder.path });
  const { mergeId, reviewId } = await live(instance);
  const server = Bun.serve({ port: 0, fetch: (request) => instance.app.handle(request) });
  try {
    const at = `--server http://localhost:${server.port}/`;
    const env = { DO_INTENT_SECRET_KEY: SECRET_KEY };
    expect((await run(`merges undo ${mergeId} ${at}`, folder.path, env))[0]).toBe(`${mergeId}: undone`);
    expect(await failure(run(`merges undo ${mergeId} ${at}`, folder.path, env))).toContain("this merge was undone at");
    expect(await run(`reviews reject ${reviewId} ${at}`, folder.path, env)).toEqual([`${reviewId}: rejected`]);
    expect(await failure(run(`reviews reject ${reviewId} ${at}`, folder.path))).toContain("DO_INTENT_SECRET_KEY");
    const wrong = { DO_INTENT_SECRET_KEY: "sk_wrong_0123456789abcdef" };
    expect(await failure(run(`reviews reject ${reviewId} ${at}`, folder.path, wrong))).toContain("not valid");
  } finally {
    await server.stop(true);
  }
  const nobody = `--server http://localhost:${server.port}`;
  const env = { DO_INTENT_SECRET_KEY: SECRET_KEY };
  expect(await failure(run(`reviews reject ${reviewId} ${nobody}`, folder.path, env))).toContain("no server answers");
});
