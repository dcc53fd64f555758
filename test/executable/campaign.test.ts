import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { buildExecutable, run, startServer } from "./executable.ts";

setDefaultTimeout(60_000);
beforeAll(buildExecutable, 120_000);

const LEADS = 3_000;
const LIST = [
  "Work Email,First Name,Company",
  "ada@acme.com,Ada,=1+1",
  "nobody,Nobody,",
  "ADA@acme.com,,",
  ...Array.from({ length: LEADS - 1 }, (_, index) => `lead${index}@acme.com,Lead ${index},Acme`),
].join("\r\n");

const CREATE = ["campaign", "create", "--name", "Q1 outbound", "--leads", "leads.csv", "--landing", "/demo"];
const SITE = ["--base-url", "https://acme.example", "--utm", "source=mail,medium=cold mail"];
const HERE = ["--url", "https://i.acme.example"];

/** A data folder as a server leaves it; returns the secret key that it was given. */
async function serveOnce(folder: string, data: string): Promise<string | null> {
  await using server = await startServer(folder, ["--data", data]);
  return server.secretKey;
}

test("a list becomes a file of links, without a server, beside one, and over HTTP", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "leads.csv"), LIST);
  const secretKey = await serveOnce(folder.path, "data");
  const made = await run(folder.path, [...CREATE, ...SITE, ...HERE, "--out", "lists/spring"]);
  expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: "" });
  const said = made.out.split("\n");
  expect(said[0]).toBe(
    "Q1 outbound (q1-outbound): 3,000 leads, 1 duplicate folded, 0 not to be processed, 1 row refused",
  );
  expect(said[1]).toStartWith("  line 3: the e-mail address is no e-mail address");
  expect(said[2]).toStartWith("for a link that no person sees: https://i.acme.example/c/q1-outbound/");
  const path = join(folder.path, "lists/spring/campaign-q1-outbound-urls.csv");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const data = join(folder.path, "data");
  for (const file of readdirSync(data))
    expect(`${file} ${(statSync(join(data, file)).mode & 0o077).toString(8)}`).toBe(`${file} 0`);
  expect(readdirSync(join(folder.path, "lists/spring"))).toEqual(["campaign-q1-outbound-urls.csv"]);
  const lines = readFileSync(path, "utf8").split("\r\n");
  expect(lines.length).toBe(LEADS + 2);
  expect(lines[0]).toBe("Work Email,First Name,Company,tracking_url,direct_url");
  const [, id = ""] =
    /^ada@acme\.com,Ada,'=1\+1,https:\/\/i\.acme\.example\/c\/q1-outbound\/(\w{8}),/.exec(lines[1] ?? "") ?? [];
  expect(lines[1]).toEndWith(
    `,https://acme.example/demo?i=${id}&utm_campaign=q1-outbound&utm_source=mail&utm_medium=cold%20mail`,
  );

  const again = await run(folder.path, ["campaign", "export", "q1-outbound", ...HERE]);
  expect(again).toEqual({ code: 0, out: readFileSync(path, "utf8"), err: "" });

  writeFileSync(join(folder.path, "intent.json"), '{ "public_url": "https://i.acme.example" }');
  await using server = await startServer(folder.path, ["--config", "intent.json"]);
  const headers = { authorization: `Bearer ${secretKey}` };
  const beside = await run(folder.path, [...CREATE.with(3, "Beside"), ...SITE, "--config", "intent.json"]);
  expect({ code: beside.code, err: beside.err }).toEqual({ code: 0, err: "" });
  const posted = await fetch(`${server.url}/campaigns?name=Posted&base_url=https://acme.example`, {
    method: "POST",
    headers: { ...headers, "content-type": "text/csv" },
    body: LIST,
  });
  expect(await posted.json()).toMatchObject({ slug: "posted", leads: LEADS, duplicates: 1, rejected: 1 });
  for (const slug of ["beside", "posted"]) {
    const exported = await fetch(`${server.url}/campaigns/${slug}/export.csv`, { headers });
    const text = await exported.text();
    expect(text.split("\r\n").length).toBe(LEADS + 2);
    // The same person has the same id everywhere.
    expect(text).toContain(`https://i.acme.example/c/${slug}/${id},`);
  }
  const followed = await fetch(`${server.url}/c/beside/${id}`, { redirect: "manual" });
  expect([followed.status, followed.headers.get("location")]).toEqual([
    302,
    `https://acme.example/demo?i=${id}&utm_campaign=beside&utm_source=mail&utm_medium=cold%20mail`,
  ]);

  const report = await run(folder.path, ["report", "campaign-performance", "--format", "csv"]);
  expect(report.out.split("\r\n").map((line) => line.split(",").slice(1, 3).join(","))).toEqual([
    "slug,name",
    "posted,Posted",
    "beside,Beside",
    "q1-outbound,Q1 outbound",
    "",
  ]);
  const table = await run(folder.path, ["report", "campaign-performance", "--rows", "2"]);
  expect(table.out.split("\n").map((line) => line.split(/ +/)[1] ?? line)).toEqual([
    "slug",
    "posted",
    "beside",
    "more;",
    "",
  ]);
  const json = await run(folder.path, ["report", "intent-distribution", "--format", "json"]);
  expect(JSON.parse(json.out).view).toBe("intent-distribution");
});

const refused: { what: string; args: string[]; code: number; says: string }[] = [
  { what: "no address of the server", args: [...CREATE, ...SITE], code: 1, says: "say it with --url" },
  {
    what: "no list",
    args: [...CREATE.with(5, "none.csv"), ...SITE, ...HERE],
    code: 1,
    says: "there is no file none.csv",
  },
  { what: "no site", args: [...CREATE, ...HERE], code: 2, says: "--base-url takes the address of your site" },
  {
    what: "a site that is none",
    args: [...CREATE, "--base-url", "acme", ...HERE],
    code: 1,
    says: "--base-url must be",
  },
  {
    what: "a page elsewhere",
    args: [...CREATE.with(7, "//evil"), ...SITE, ...HERE],
    code: 1,
    says: "--landing must be",
  },
  { what: "no pairs", args: [...CREATE, ...SITE.with(3, "mail"), ...HERE], code: 2, says: "--utm takes source=…" },
  {
    what: "pairs of other names",
    args: [...CREATE, ...SITE.with(3, "a=b"), ...HERE],
    code: 1,
    says: "--utm takes source",
  },
  {
    what: "a file in its way",
    args: [...CREATE, ...SITE, ...HERE, "--out", "full"],
    code: 1,
    says: "is there already",
  },
  {
    what: "a data folder that is none, or misspelt",
    args: [...CREATE, ...SITE, ...HERE],
    code: 1,
    says: "there is no do-intent.db in ./data",
  },
  { what: "a view that is none", args: ["report", "nothing", "--data", "old"], code: 1, says: "there are high-intent" },
  {
    what: "a campaign that is none",
    args: ["campaign", "export", "x", ...HERE, "--data", "old"],
    code: 1,
    says: "no such",
  },
];
test.each(refused)("$what is said, and nothing is made", async ({ args, code, says }) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "leads.csv"), LIST);
  mkdirSync(join(folder.path, "full"));
  writeFileSync(join(folder.path, "full/campaign-q1-outbound-urls.csv"), "mine");
  if (args.includes("old")) {
    await serveOnce(folder.path, "old");
    const made = await run(folder.path, [...CREATE, ...SITE, ...HERE, "--data", "old", "--out", "old"]);
    expect(made.code).toBe(0);
  }
  const answer = await run(folder.path, args);
  expect(answer.err).toContain(says);
  expect({ code: answer.code, out: answer.out }).toEqual({ code, out: "" });
  expect(readdirSync(folder.path).filter((name) => name === "data")).toEqual([]);
  expect(readFileSync(join(folder.path, "full/campaign-q1-outbound-urls.csv"), "utf8")).toBe("mine");
});
