import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, run, type Server, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const HOLDS_WITHIN_MS = 2_000;
const DEADLINE_MS = 20_000;

const people = async ({ url }: Server, key: string): Promise<number> =>
  (await fetch(`${url}/people`, { headers: { authorization: `Bearer ${key}` } })).status;

/** Asks until the answer is this one, and says how long it took. */
async function untilAnswered(status: number, server: Server, key: string): Promise<number> {
  const beganMs = performance.now();
  while ((await people(server, key)) !== status) {
    if (performance.now() - beganMs > DEADLINE_MS) throw new Error(`waited in vain for ${status}`);
    await Bun.sleep(20);
  }
  return performance.now() - beganMs;
}

describe("keys beside a running server", () => {
  test("a key made from the command line works, and one that was revoked does not, within two seconds", async () => {
    using folder = temporaryFolder();
    await using server = await startServer(folder.path);
    const made = await run(folder.path, ["keys", "create", "reports", "--scope", "read"]);
    expect(made.code).toBe(0);
    const key = made.out.trim();
    const id = made.err.split(":")[0] ?? "";
    expect(await untilAnswered(200, server, key)).toBeLessThan(HOLDS_WITHIN_MS);

    const revoked = await run(folder.path, ["keys", "revoke", id]);
    expect(revoked.code).toBe(0);
    expect(await untilAnswered(401, server, key)).toBeLessThan(HOLDS_WITHIN_MS);
    expect(await people(server, server.secretKey ?? "")).toBe(200);

    const listed = await run(folder.path, ["keys", "list"]);
    expect(listed.out).toContain(id);
    expect(listed.out).not.toContain(key);
  });

  test("wrong words are told", async () => {
    using folder = temporaryFolder();
    expect(await run(folder.path, ["keys"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("list, create, revoke"),
    });
    expect(await run(folder.path, ["keys", "create", "a"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("there is no do-intent.db"),
    });
    expect(await run(folder.path, ["keys", "create", "a", "--scope", "all"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("ingest, read or admin"),
    });
  });
});

describe("the first run's key from a file", () => {
  const KEY = "sk_from_a_file_0123456789";

  test("is taken, and neither printed nor logged", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "secret-key");
    writeFileSync(path, `${KEY}\n`, { mode: 0o400 });
    await using server = await startServer(folder.path, [], { DO_INTENT_SECRET_KEY_FILE: path });
    expect(await people(server, KEY)).toBe(200);
    expect(server.output()).toContain("as given in DO_INTENT_SECRET_KEY_FILE");
    expect(server.output()).not.toContain(KEY);
  });

  test("one that cannot be read keeps the server from starting", async () => {
    using folder = temporaryFolder();
    const env = { DO_INTENT_SECRET_KEY_FILE: join(folder.path, "nothing") };
    const { code, err } = await run(folder.path, ["serve", "--port", "0"], env);
    expect(code).toBe(1);
    expect(err).toContain("DO_INTENT_SECRET_KEY_FILE cannot be read (ENOENT)");
  });
});
