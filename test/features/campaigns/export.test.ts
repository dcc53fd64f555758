import { describe, expect, test } from "bun:test";
import { csvLine } from "../../../src/http/csv.ts";
import { type StartOptions, startInstance, withSecret } from "../../support/instance.ts";
import { expectRefusal } from "../../support/secrecy.ts";

const CSV = { "content-type": "text/csv" };
const PUBLIC: StartOptions = { intent: { public_url: "https://i.example/" } };
const ADDRESS = "/campaigns?name=Spring&base_url=https://acme.example";

async function exported(list: string, { address = ADDRESS, query = "" } = {}): Promise<string> {
  await using house = startInstance(PUBLIC);
  expect((await house.postSecret(address, list, CSV)).status).toBe(200);
  return (await house.getSecret(`/campaigns/spring/export.csv${query}`)).text;
}

const ID = "[1-9A-HJ-NP-Za-km-z]{8}";

describe("the export", () => {
  test("has all columns of the list in its order, then the links", async () => {
    const list = 'Note;E-Mail;Company\r\n"a;b";bob@acme.com;"Acme ""the"" Inc"\r\n;ADA@acme.com;Café\r\n';
    const address = `${ADDRESS}&landing=${encodeURIComponent("/demo?plan=a%20b#top")}&utm_source=cold%20mail`;
    const [head, ...rows] = (await exported(list, { address })).split("\r\n");
    expect(head).toBe("Note,E-Mail,Company,tracking_url,direct_url");
    const link = new RegExp(
      `,https://i\\.example/c/spring/(${ID}),https://acme\\.example/demo\\?plan=a%20b&i=\\1&utm_campaign=spring&utm_source=cold%20mail#top$`,
    );
    expect(rows.map((row) => row.replace(link, ""))).toEqual([
      '"a;b",bob@acme.com,"Acme ""the"" Inc"',
      ",ADA@acme.com,Café",
      "",
    ]);
  });

  test("names its own columns so that they are new", async () => {
    const [head] = (await exported("email,tracking_url,\nada@acme.com,x,y\n")).split("\r\n");
    expect(head).toBe("email,tracking_url,column_3,tracking_url_2,direct_url");
  });

  test("says of the links' parameters what the page does not say itself", async () => {
    const address = `${ADDRESS}&landing=${encodeURIComponent("/demo?utm_source=own")}&utm_source=other&utm_campaign=name`;
    expect(await exported("email\nada@acme.com\n", { address })).toMatch(
      new RegExp(`/demo\\?utm_source=own&i=${ID}&utm_campaign=name\r\n`),
    );
  });

  test("has hashes in the place of addresses where it is asked to", async () => {
    const text = await exported("personal email,work email,name\n,ADA@acme.com,Ada\nx@y.example,,X\n", {
      query: "?hash=email",
    });
    const sha256 = (value: string) => new Bun.CryptoHasher("sha256").update(value).digest("hex");
    expect(text).toContain(`\r\n,${sha256("ada@acme.com")},Ada,`);
    expect(text).toContain(`\r\n${sha256("x@y.example")},,X,`);
    expect(text).not.toContain("@");
  });

  test("comes whole, in the order of the list, however long it is", async () => {
    const emails = Array.from({ length: 1_234 }, (_, index) => `lead${index}@acme.com`);
    const text = await exported(`email\n${emails.join("\n")}\n`);
    expect(
      text
        .trimEnd()
        .split("\r\n")
        .slice(1)
        .map((line) => line.split(",")[0]),
    ).toEqual(emails as (string | undefined)[]);
  });

  test("is a file to save, by the campaign's id or its name in links", async () => {
    await using house = startInstance(PUBLIC);
    await house.postSecret(ADDRESS, "email\nada@acme.com\n", CSV);
    const byId = await house.getSecret("/campaigns/cmp_1/export.csv");
    expect(byId.headers.get("content-disposition")).toBe('attachment; filename="campaign-spring-urls.csv"');
    expect(byId.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(byId.text).toBe((await house.getSecret("/campaigns/spring/export.csv")).text);
    for (const path of ["/campaigns/none", "/campaigns/cmp_9/leads", "/campaigns/9/export.csv"])
      expectRefusal(house, await house.getSecret(path), { status: 404, code: "not_found" });
  });

  test("needs to know where the links lead", async () => {
    await using house = startInstance();
    await house.postSecret(ADDRESS, "email\nada@acme.com\n", CSV);
    const answer = await house.getSecret("/campaigns/spring/export.csv");
    expectRefusal(house, answer, { status: 409, code: "conflict", says: "set public_url in intent.json" });
  });

  test("is made while it is read: who goes away ends it", async () => {
    await using house = startInstance(PUBLIC);
    const emails = Array.from({ length: 5_000 }, (_, index) => `lead${index}@acme.com`);
    await house.postSecret(ADDRESS, `email\n${emails.join("\n")}\n`, CSV);
    const request = new Request("http://localhost/campaigns/spring/export.csv", { headers: withSecret });
    const response = await house.app.handle(request);
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(value?.length).toBeLessThan(100_000);
    await reader?.cancel();
    expect((await house.getSecret("/health")).status).toBe(200);
  });
});

describe("a cell", () => {
  const cells: [string, string][] = [
    ["=HYPERLINK(A1)", "'=HYPERLINK(A1)"],
    ['=cmd|" /C calc"!A0', `"'=cmd|"" /C calc""!A0"`],
    ["+SUM(1)", "'+SUM(1)"],
    ["-2+3+cmd|x", "'-2+3+cmd|x"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", `"'\t=1"`],
    ["\r=1", `"'\r=1"`],
    ["\n=1", `"'\n=1"`],
    ["＝1", "'＝1"],
    ["=1", "'=1"],
    ["-", "'-"],
    ["--1", "'--1"],
    ["+1A1", "'+1A1"],
    ["+49 (0)30 1234-567", "+49 (0)30 1234-567"],
    ["+1 (555) 010 9999 ext 12", "+1 (555) 010 9999 ext 12"],
    ["+1-555-010-9999", "+1-555-010-9999"],
    ["-12.5%", "-12.5%"],
    ["-1,200.00", '"-1,200.00"'],
    ["Ada", "Ada"],
    ["a=b", "a=b"],
    [" padded ", '" padded "'],
    ["two\nlines", '"two\nlines"'],
    ["a,b", '"a,b"'],
    ["", ""],
  ];
  test.each(cells)("%p is written as %p", (cell, written) => {
    expect(csvLine([cell, "x"])).toBe(`${written},x\r\n`);
  });

  test("of a thousand extensions is judged at once", () => {
    const startedMs = performance.now();
    csvLine([`+1${"ext 5".repeat(10_000)}!`]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
