import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIntentConfig } from "../../../src/config/intent.ts";
import { withSecret } from "../../support/instance.ts";
import { FILE_TEXT, GUIDE, READING_MS, startMagnets } from "./magnets.ts";

const ADA = { email: "ada@acme.com", name: "Ada Lovelace", team_size: "70", timing: "Now" };
const EVIL = `"><script>alert(1)</script>&'`;

const startedIn = (html: string) => /name="started" value="([^"]+)"/.exec(html)?.[1] ?? "";
const policyOf = (headers: Headers) => headers.get("content-security-policy") ?? "";

describe("the page of a magnet", () => {
  test("works without a script, names its language, and lets nothing of others in", async () => {
    await using house = startMagnets();
    const { status, headers, text } = await house.get("/m/roi-guide");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(text).toContain('<html lang="en">');
    expect(text).toContain('<form class="card" method="post" action="/m/roi-guide" novalidate>');
    expect(text).not.toMatch(/<script|https?:\/\//);
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
    expect(policyOf(headers)).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(Buffer.byteLength(text)).toBeLessThan(16 * 1_024);
  });

  test("is not sent again while it is the same, and answers HEAD", async () => {
    await using house = startMagnets();
    const first = await house.get("/m/roi-guide");
    const etag = first.headers.get("etag") ?? "";
    expect((await house.get("/m/roi-guide", { "if-none-match": etag })).status).toBe(304);
    const head = await house.app.handle(new Request("http://localhost/m/roi-guide", { method: "HEAD" }));
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, etag, ""]);
    // A kept page must not outlive the token in it.
    house.clock.nowMs += 12 * 3_600_000;
    expect((await house.get("/m/roi-guide", { "if-none-match": etag })).status).toBe(200);
    house.configureIntent({ magnets: [{ ...GUIDE, title: "Another" }] });
    expect((await house.get("/m/roi-guide", { "if-none-match": etag })).text).toContain("Another");
  });

  test("sent with mistakes comes back with what was typed, and each mistake beside its field", async () => {
    await using house = startMagnets();
    const started = startedIn((await house.get("/m/roi-guide")).text);
    house.clock.nowMs += READING_MS;
    const typed = { ...ADA, started, email: "ada@", name: "", referrer: "https://news.example/" };
    const { status, text } = await house.sendPlain(typed, { query: "?utm_source=news" });
    expect(status).toBe(422);
    expect(text).toContain("<title>Error: The ROI guide</title>");
    expect(text).toContain(
      'value="ada@" id="f-email" name="email" required autocomplete="email" aria-invalid="true" aria-describedby="e-email" autofocus',
    );
    expect(text).toMatch(/<p class="problem" id="e-name">Please fill this in/);
    expect(text).toContain('value="70"');
    expect(text).toContain("<option selected>Now</option>");
    expect(text).toContain('action="/m/roi-guide?utm_source=news"');
    expect(text).toContain('name="referrer" value="https://news.example/"');
    expect(startedIn(text)).toBe(started);
  });

  test("shows nothing anybody typed as anything but text", async () => {
    await using house = startMagnets();
    const { text } = await house.sendPlain(
      { email: EVIL, name: EVIL, team_size: EVIL, timing: EVIL, started: EVIL, referrer: EVIL },
      { query: `?x=${EVIL}` },
    );
    expect(text).not.toContain("<script");
    expect(text).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#x27;");
  });

  test("sent well leads to the thanks with the file, and the origin in its address counts", async () => {
    await using house = startMagnets();
    const started = startedIn((await house.get("/m/roi-guide?utm_source=news")).text);
    house.clock.nowMs += READING_MS;
    const sent = await house.sendPlain({ ...ADA, started }, { query: "?utm_source=news" });
    expect(sent.status).toBe(303);
    const thanks = await house.get(sent.headers.get("location") ?? "");
    expect(thanks.status).toBe(200);
    expect(thanks.text).toContain("<h1>Thank you</h1>");
    expect(thanks.text).toContain('href="https://cal.example/ada"');
    expect(thanks.headers.get("referrer-policy")).toBe("no-referrer");
    const link = /href="(\/m\/roi-guide\/file[^"]+)"/.exec(thanks.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect((await house.get(link)).text).toBe(FILE_TEXT);
    const [event] = house.rows<{ url: string }>("select url from event where name = 'form_submit'");
    expect(event?.url).toBe("http://localhost/m/roi-guide?utm_source=news");
  });

  test("gives a file for as long as was said when it was sent, however late the thanks are read", async () => {
    await using house = startMagnets([{ ...GUIDE, link_hours: 1 }]);
    const started = startedIn((await house.get("/m/roi-guide")).text);
    house.clock.nowMs += READING_MS;
    const sent = await house.sendPlain({ ...ADA, started });
    house.clock.nowMs += 59 * 60_000;
    const thanks = await house.get(sent.headers.get("location") ?? "");
    const link = /href="(\/m\/roi-guide\/file[^"]+)"/.exec(thanks.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect((await house.get(link)).text).toBe(FILE_TEXT);
    house.clock.nowMs += 2 * 60_000;
    expect((await house.get(link)).text).not.toBe(FILE_TEXT);
  });

  test("carries a write key that holds", async () => {
    const file = { path: "/s.js", type: "text/javascript", etag: '"1"', plain: "", br: "", gzip: "" };
    await using house = startMagnets([GUIDE], { script: { files: [file as never], eventsPath: "/v1/e" } });
    house.keys.persist();
    const keyOnPage = async () => /data-key="([^"]+)"/.exec((await house.get("/m/roi-guide")).text)?.[1];
    const first = await keyOnPage();
    const { body: second } = await house.postSecret<{ key: string }>("/keys", { name: "second", kind: "write" });
    const { body: listed } = await house.getSecret<{ keys: { key_id: string; kind: string; name: string | null }[] }>(
      "/keys",
    );
    const old = listed.keys.find(({ kind, name }) => kind === "write" && name !== "second");
    const request = new Request(`http://localhost/keys/${old?.key_id}`, { method: "DELETE", headers: withSecret });
    expect((await house.app.handle(request)).status).toBe(200);
    expect([await keyOnPage(), first === second.key]).toEqual([second.key, false]);
  });

  test("may be sent from itself also where other sites are named", async () => {
    await using house = startMagnets([GUIDE], { origins: ["https://www.example.com"] });
    const send = async (origin: string) => (await house.sendPlain(ADA, { headers: { origin } })).status;
    expect(await send("http://localhost")).toBe(422);
    expect(await send("https://www.example.com")).toBe(422);
    expect(await send("https://evil.example")).toBe(403);
  });

  test("is not there under a name that nobody gave", async () => {
    await using house = startMagnets();
    for (const path of ["/m/nothing", "/m/nothing/file", "/m/nothing/thanks/11", "/m/..%2f..%2fetc"]) {
      const { status, headers } = await house.get(path);
      expect([path, status, headers.get("content-type")]).toEqual([path, 404, "text/html; charset=utf-8"]);
    }
  });
});

test("the form as data says all that the page does", async () => {
  await using house = startMagnets();
  const { headers, text } = await house.get("/m/roi-guide/form.json", { origin: "https://www.example.com" });
  expect(headers.get("cache-control")).toBe("private, no-store");
  expect(headers.get("access-control-allow-origin")).toBe("https://www.example.com");
  expect(JSON.parse(text)).toEqual({
    slug: "roi-guide",
    title: "The ROI guide",
    description: GUIDE.description,
    lang: "en",
    button: "Get it now",
    words: expect.objectContaining({ optional: "optional", choose: "Please choose", download: "Download" }),
    honeypot: "homepage",
    started: expect.any(String),
    fields: [
      { name: "email", label: "E-mail", type: "email", required: true, autocomplete: "email" },
      { name: "name", label: "Your name", type: "text", required: true, autocomplete: "name" },
      { name: "team_size", label: "Team size", type: "number", required: false },
      {
        name: "timing",
        label: "When do you buy?",
        type: "select",
        required: false,
        options: ["Now", "This year", "Just looking"],
      },
    ],
  });
});

describe("the link to the file", () => {
  async function linked(house: ReturnType<typeof startMagnets>): Promise<string> {
    const { body } = await house.send({ ...ADA, started: (await house.form()).started });
    return body.download_url ?? "";
  }

  test("gives the file by its name and type, whole or in parts", async () => {
    await using house = startMagnets();
    const link = await linked(house);
    const { headers, text } = await house.get(link);
    expect(text).toBe(FILE_TEXT);
    expect(headers.get("content-type")).toBe("application/pdf");
    expect(headers.get("content-disposition")).toBe(
      `attachment; filename="roi-guide.pdf"; filename*=UTF-8''roi-guide.pdf`,
    );
    expect(headers.get("cache-control")).toBe("private, no-store");
    const etag = headers.get("etag") ?? "";
    const size = FILE_TEXT.length;
    const parts: [range: string, status: number, text: string, contentRange: string | null][] = [
      ["bytes=0-3", 206, "%PDF", `bytes 0-3/${size}`],
      ["bytes=-3", 206, "tic", `bytes ${size - 3}-${size - 1}/${size}`],
      [`bytes=${size - 2}-999`, 206, "ic", `bytes ${size - 2}-${size - 1}/${size}`],
      ["bytes=999-", 416, "", `bytes */${size}`],
      ["bytes=0-1,3-4", 200, FILE_TEXT, null],
      ["bytes=3-1", 200, FILE_TEXT, null],
    ];
    for (const [range, status, part, contentRange] of parts) {
      const answer = await house.get(link, { range });
      expect([range, answer.status, answer.text, answer.headers.get("content-range")]).toEqual([
        range,
        status,
        part,
        contentRange,
      ]);
    }
    expect((await house.get(link, { range: "bytes=0-3", "if-range": etag })).status).toBe(206);
    expect((await house.get(link, { range: "bytes=0-3", "if-range": '"older"' })).status).toBe(200);
  });

  test("expires, and says so; one that was never given is not there", async () => {
    await using house = startMagnets([GUIDE, { ...GUIDE, slug: "other", title: "Other" }]);
    const link = await linked(house);
    const wrong = [
      link.replace("roi-guide", "other"),
      link.replace(/expires=\d/, "expires=9"),
      link.slice(0, -1),
      "/m/roi-guide/file",
    ];
    for (const path of wrong) expect((await house.get(path)).status).toBe(404);
    house.clock.nowMs += 72 * 3_600_000 + 1;
    const { status, text } = await house.get(link);
    expect(status).toBe(410);
    expect(text).toContain('href="/m/roi-guide"');
  });

  test("leads elsewhere where the asset is elsewhere", async () => {
    const { file: _, ...rest } = GUIDE;
    await using house = startMagnets([{ ...rest, url: "https://files.example/guide" }]);
    const { status, headers } = await house.get(await linked(house));
    expect([status, headers.get("location")]).toEqual([302, "https://files.example/guide"]);
  });

  test("never leads out of the folder", async () => {
    await using house = startMagnets();
    const link = await linked(house);
    mkdirSync(join(house.folder, "deep"));
    writeFileSync(join(house.folder, "deep", "Größe 100%.txt"), "deep");
    writeFileSync(`${house.folder}-secret`, "secret");
    symlinkSync(`${house.folder}-secret`, join(house.folder, "out.txt"));
    symlinkSync("/etc", join(house.folder, "etc"));
    const found: [file: string, status: number][] = [
      ["deep/Größe 100%.txt", 200],
      ["out.txt", 404],
      ["etc/hostname", 404],
      ["deep", 404],
      ["gone.pdf", 404],
    ];
    for (const [file, status] of found) {
      house.configureIntent({ magnets: [{ ...GUIDE, file }], magnets_folder: house.folder });
      const answer = await house.get(link);
      expect([file, answer.status]).toEqual([file, status]);
      if (status === 200) {
        const name = "filename=\"Gr__e 100_.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20100%25.txt";
        expect(answer.headers.get("content-disposition")).toBe(`attachment; ${name}`);
      }
    }
    const told = house.logged.map((line) => JSON.parse(line)).filter(({ event }) => event === "magnet_file_missing");
    // Once with each config that names such a file, and once for each who asked.
    expect(told.map(({ level, magnet }) => [level, magnet])).toEqual(
      Array.from({ length: 4 }, () => [
        ["warn", "roi-guide"],
        ["error", "roi-guide"],
      ]).flat(),
    );
  });
});

describe("magnets in intent.json", () => {
  const amiss: { what: object; problem: string }[] = [
    { what: { slug: "A b" }, problem: "magnets[0].slug: use lower-case letters" },
    { what: { file: "../etc/passwd" }, problem: "magnets[0].file: give a path below magnets_folder" },
    { what: { file: "/etc/passwd" }, problem: "magnets[0].file: give a path below magnets_folder" },
    { what: { file: "a/../../b" }, problem: "magnets[0].file: give a path below magnets_folder" },
    { what: { url: "https://files.example/" }, problem: "magnets[0].url: stands beside file" },
    { what: { booking: { url: "javascript:alert(1)" } }, problem: "magnets[0].booking.url: " },
    {
      what: { booking: { url: "https://cal.example", when: { level: "boiling" } } },
      problem: "magnets[0].booking.when.level: is none of thresholds; take one of warm, hot, burning",
    },
    { what: { fields: [{ name: "email", label: "x" }] }, problem: "magnets[0].fields[0].name: is taken" },
    { what: { fields: [{ name: "started", label: "x" }] }, problem: "magnets[0].fields[0].name: is taken" },
    {
      what: { fields: [{ name: "a", label: "x", type: "select" }] },
      problem: "magnets[0].fields[0].options: belong to a select",
    },
    {
      what: { fields: ["a", "b", "a"].map((name) => ({ name, label: "x" })) },
      problem: "magnets[0].fields: has a name twice",
    },
    { what: { fields: Array(7).fill({ name: "a", label: "x" }) }, problem: "magnets[0].fields: must have at most 6" },
    { what: { theme: { font: "x; } body { display: none" } }, problem: "magnets[0].theme.font: use names of fonts" },
    {
      what: { theme: { light: { accent: "red", background: "#fff", text: "#000" } } },
      problem: "magnets[0].theme.light.accent: use a colour",
    },
    {
      what: { theme: { light: { accent: "#00f", background: "#fff", text: "#999" } } },
      problem: "magnets[0].theme.light.text: stands out from background by less than 7",
    },
    { what: { lang: '"><script>' }, problem: "magnets[0].lang: use a language tag" },
  ];
  test.each(amiss)("$problem", ({ what, problem }) => {
    const { problems = [] } = parseIntentConfig(JSON.stringify({ magnets: [{ ...GUIDE, ...what }] }));
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  test("a slug that stands twice", () => {
    const { problems } = parseIntentConfig(JSON.stringify({ magnets: [GUIDE, GUIDE] }));
    expect(problems).toEqual(["magnets[1].slug: stands twice; give each its own"]);
  });
});
