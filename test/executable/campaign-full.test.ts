import { Database } from "bun:sqlite";
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { canMount, mountSmallDisk, type SmallDisk } from "../support/mount.ts";
import { buildExecutable, run, type Server, startServer } from "./executable.ts";

setDefaultTimeout(120_000);
beforeAll(buildExecutable, 120_000);

const SECRET = { DO_INTENT_SECRET_KEY: "sk_of_the_full_disk_tests" };
const HEADERS = { authorization: `Bearer ${SECRET.DO_INTENT_SECRET_KEY}`, "content-type": "text/csv" };
const LEFT_MB = 4;
const TABLES = ["campaign", "campaign_load", "campaign_lead", "lead"];

const listOf = (leads: number): string =>
  ["email,note", ...Array.from({ length: leads }, (_, index) => `lead${index}@acme.com,${"x".repeat(100)}`)].join("\n");

type Answer = { status: number; body: { error?: { code: string; message: string } } };

async function create({ url }: Server, name: string, list: string): Promise<Answer> {
  const path = `${url}/campaigns?name=${name}&base_url=https://acme.example`;
  const response = await fetch(path, { method: "POST", headers: HEADERS, body: list });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

function countsIn(data: string): (number | undefined)[] {
  using database = new Database(join(data, "do-intent.db"), { readonly: true, strict: true });
  return TABLES.map(
    (table) => database.query<{ rows: number }, []>(`select count(*) as rows from ${table}`).get()?.rows,
  );
}

const freeMb = ({ path }: SmallDisk): number => {
  const { bavail, bsize } = statfsSync(path);
  return (bavail * bsize) / 1024 / 1024;
};

function diskOf(megabytes: number): SmallDisk {
  const disk = mountSmallDisk(megabytes);
  if (disk === null) throw new Error("it could be mounted a moment ago");
  return disk;
}

/** All but a little, so that the load is the one that finds the disk full. */
function fillUp(disk: SmallDisk): void {
  writeFileSync(join(disk.path, "ballast"), Buffer.alloc(Math.floor((freeMb(disk) - LEFT_MB) * 1024 * 1024)));
}

describe.if(canMount)("a list that does not fit on the disk", () => {
  test("is refused before anything is stored, over HTTP and on the command line", async () => {
    using folder = temporaryFolder();
    using disk = diskOf(60);
    const data = join(disk.path, "data");
    await using server = await startServer(folder.path, ["--data", data], SECRET);
    const refused = await create(server, "Large", listOf(60_000));
    expect(refused.status).toBe(503);
    expect(refused.body.error).toMatchObject({
      code: "disk_full",
      message: expect.stringMatching(/takes up to \d+ MB/),
    });
    expect(countsIn(data)).toEqual([0, 0, 0, 0]);
    expect((await create(server, "Small", listOf(1))).status).toBe(200);
    writeFileSync(join(folder.path, "leads.csv"), listOf(60_000));
    const args =
      "campaign create --name Large --leads leads.csv --base-url https://acme.example --url https://i.example";
    const said = await run(folder.path, [...args.split(" "), "--data", data]);
    expect({ code: said.code, out: said.out, lines: said.err.trim().split("\n").length }).toEqual({
      code: 1,
      out: "",
      lines: 1,
    });
    expect(said.err).toContain("do-intent: nothing was stored: this list takes up to");
    expect(countsIn(data)).toEqual([1, 0, 1, 1]);
  });

  test("since others fill the disk meanwhile is taken back at once, and a small one fits afterwards", async () => {
    using folder = temporaryFolder();
    using disk = diskOf(140);
    const data = join(disk.path, "data");
    await using server = await startServer(folder.path, ["--data", data], SECRET);
    const answer = create(server, "Large", listOf(60_000));
    await eventually(() => (countsIn(data)[2] ?? 0) > 2_000, "the first leads");
    fillUp(disk);
    const { status, body } = await answer;
    expect([status, body.error?.code]).toEqual([503, "disk_full"]);
    await server.printed("SQLITE_FULL");
    expect(countsIn(data)).toEqual([0, 0, 0, 0]);
    disk.free();
    expect((await create(server, "Small", listOf(1))).status).toBe(200);
    expect(freeMb(disk)).toBeGreaterThan(40);
  });
});
