import { describe, expect, test } from "bun:test";
import type { TrackAnswer } from "../../../src/features/track/track.ts";
import { eventually } from "../../support/eventually.ts";
import { filesWith, tablesWith } from "../../support/everything.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { BROWSER, startInstance, type TestInstance } from "../../support/instance.ts";
import { GUIDE, READING_MS } from "../magnets/magnets.ts";

const view = { event: "page_view", anonymous_id: "visitor-1", url: "/pricing" };
const count = (instance: TestInstance, table: string) => instance.rows(`select 1 from ${table}`).length;

describe("a browser that asks not to be tracked", () => {
  test.each([{ "sec-gpc": "1" }, { dnt: "1" }])(
    "%j leaves no trace, and is told so without an error",
    async (signal) => {
      await using instance = startInstance();
      const origin = { origin: "https://acme.example", host: "acme.example" };
      const { status, body, headers } = await instance.post<TrackAnswer>(
        "/track",
        [{ ...view, event_id: "e1" }, { event: "" }],
        { ...signal, ...origin },
      );
      expect(status).toBe(200);
      expect(body).toMatchObject({ accepted: 0, duplicate: 0, rejected: 1, not_processed: 1 });
      expect(body.events[0]).toEqual({ event_id: "e1", status: "not_processed" });
      expect(headers.get("set-cookie")).toBeNull();
      for (const table of ["event", "person", "identity", "session", "rejected_event"]) {
        expect([table, count(instance, table)]).toEqual([table, 0]);
      }
    },
  );

  test("may still say who they are, of their own accord; the browser's id stays out", async () => {
    await using instance = startInstance();
    const said = { anonymous_id: "visitor-1", identity: { email: "ada@acme.com", name: "Ada" } };
    expect((await instance.post("/identify", said, { "sec-gpc": "1" })).status).toBe(200);
    expect(instance.rows("select kind, value from identity")).toEqual([{ kind: "email", value: "ada@acme.com" }]);
    const traitsOnly = { anonymous_id: "visitor-1", identity: { name: "Ada" } };
    expect((await instance.post("/identify", traitsOnly, { dnt: "1" })).body as unknown).toEqual({ ok: true });
    expect(count(instance, "identity")).toBe(1);
  });

  test("is heard in requests of browsers only: a backend says what it may send", async () => {
    await using instance = startInstance();
    await instance.postSecret("/track", view, { "sec-gpc": "1", dnt: "1" });
    expect(count(instance, "event")).toBe(1);
  });

  test.each([
    [{ "sec-gpc": "1" }, { global_privacy_control: false }],
    [{ dnt: "1" }, { do_not_track: false }],
  ])("%j is ignored where tracker.honour says %j, from the reload on", async (signal, honour) => {
    await using instance = startInstance();
    instance.configureIntent({ tracker: { honour } });
    await instance.post("/track", view, signal);
    expect(count(instance, "event")).toBe(1);
  });

  test.each([{ "sec-gpc": "0" }, { dnt: "0" }, { dnt: "null" }])("%j asks for nothing", async (signal) => {
    await using instance = startInstance();
    await instance.post("/track", view, signal);
    expect(count(instance, "event")).toBe(1);
  });
});

describe("where and with what somebody came", () => {
  const PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36";
  const TABLET = "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/126.0 Safari/537.36";
  const on = { privacy: { country_header: "CF-IPCountry", device_class: true } };
  const country = { "cf-ipcountry": "de" };

  test.each([
    ["nothing unless said", {}, { ...country, "user-agent": PHONE }, {}, {}],
    ["the proxy's header, and a desktop", on, country, {}, { country: "DE", device_class: "desktop" }],
    ["a phone", on, { "user-agent": PHONE }, {}, { device_class: "mobile" }],
    ["a tablet", on, { "user-agent": TABLET }, {}, { device_class: "tablet" }],
    ["the hint before the agent", on, { "sec-ch-ua-mobile": "?1" }, {}, { device_class: "mobile" }],
    [
      "what the page says before what the header says",
      on,
      country,
      { country: "FR" },
      { country: "FR", device_class: "desktop" },
    ],
    ["no country that is none", on, { "cf-ipcountry": "XX" }, {}, { device_class: "desktop" }],
    ["no country that is too long", on, { "cf-ipcountry": "Germany" }, {}, { device_class: "desktop" }],
  ])("%s", async (_, intent, headers, metadata, expected) => {
    await using instance = startInstance({ intent });
    await instance.post("/track", { ...view, metadata }, { "user-agent": BROWSER, ...headers });
    await instance.postSecret("/track", { ...view, anonymous_id: "of a backend" }, headers);
    const stored = instance.rows<{ properties: string | null }>("select properties from event order by event_seq");
    expect(stored.map(({ properties }) => JSON.parse(properties ?? "{}"))).toEqual([expected, {}]);
  });

  test.each([
    [
      "the proxy's header, and a phone",
      on,
      { ...country, "user-agent": PHONE },
      { country: "DE", device_class: "mobile" },
    ],
    ["nothing unless said", {}, { ...country, "user-agent": PHONE }, {}],
    ["no country that is none", on, { "cf-ipcountry": "XX", "user-agent": TABLET }, { device_class: "tablet" }],
  ])("is read off an identify too: %s", async (_, intent, headers, expected) => {
    await using instance = startInstance({ intent });
    const said = { anonymous_id: "visitor-1", identity: { email: "ada@acme.example" } };
    expect((await instance.post("/identify", said, headers)).status).toBe(200);
    // A backend's request is not the person's.
    await instance.postSecret("/identify", { ...said, anonymous_id: "visitor-2" }, headers);
    const stored = instance.rows<{ properties: string }>("select properties from event order by event_seq");
    const read = stored.map(({ properties }) => {
      const { country, device_class } = JSON.parse(properties);
      return { ...(country && { country }), ...(device_class && { device_class }) };
    });
    expect(read).toEqual([expected, {}]);
  });

  test("rules may ask for it", async () => {
    const rules = [
      { name: "near", group: "any", event: "page_view", when: { properties: { country: "DE" } }, points: 7 },
    ];
    await using instance = startInstance({ intent: { ...on, groups: { any: { max: 100 } }, rules } });
    await instance.post("/track", view, country);
    expect((await instance.getSecret<{ score: number }>("/people/visitor-1")).body.score).toBe(7);
  });
});

test("neither an address nor a user agent is stored anywhere, whatever header brings it", async () => {
  using folder = temporaryFolder();
  const addresses = ["203.0.113.77", "2001:db8::77"];
  const agent = "Mozilla/5.0 (X11; Linux x86_64) TellTale/7.7";
  {
    const intent = {
      privacy: { country_header: "CF-IPCountry", device_class: true },
      public_url: "https://intent.acme.example",
      magnets: [{ ...GUIDE, file: undefined, url: "https://acme.example/guide.pdf" }],
    };
    await using instance = startInstance({ dataFolder: folder.path, intent });
    instance.app.listen({ hostname: "127.0.0.1", port: 0 });
    const at = `http://127.0.0.1:${instance.app.server?.port}`;
    const headersOf = (address: string) => ({
      "user-agent": agent,
      "x-forwarded-for": address,
      "x-real-ip": address,
      forwarded: `for="[${address}]"`,
      "cf-connecting-ip": address,
      "true-client-ip": address,
      "fly-client-ip": address,
      "cf-ipcountry": "DE",
    });
    const list = {
      name: "spring",
      base_url: "https://acme.example",
      landing: "/demo",
      leads: [{ email: "ann@b.example" }],
    };
    const { body: made } = await instance.postSecret<{ honeypot_url: string }>("/campaigns", list);
    const trap = new URL(made.honeypot_url).pathname;
    const [lead] = instance.rows<{ link: string }>("select link_id as link from lead");
    const post = (path: string, body: object, headers: object) =>
      fetch(at + path, { method: "POST", body: JSON.stringify(body), headers: { ...headers } });
    for (const address of addresses) {
      const headers = headersOf(address);
      expect((await post("/track", view, headers)).status).toBe(200);
      expect((await post("/track", { event: "" }, headers)).status).toBe(422);
      expect(
        (await post("/identify", { anonymous_id: "visitor-1", identity: { email: "a@b.example" } }, headers)).status,
      ).toBe(200);
      await fetch(`${at}/p`, { headers });
      for (const path of ["/c/none/none", `/c/spring/${lead?.link}`, trap]) {
        const { status } = await fetch(at + path, { headers, redirect: "manual" });
        expect([path, status]).toEqual([path, path === "/c/none/none" ? 404 : 302]);
      }
      await instance.engine.drain();
      expect((await fetch(`${at}/m/roi-guide`, { headers })).status).toBe(200);
      const { started } = (await (await fetch(`${at}/m/roi-guide/form.json`, { headers })).json()) as {
        started: string;
      };
      instance.clock.nowMs += READING_MS;
      const form = {
        email: "reader@b.example",
        name: "A Reader",
        timing: "Now",
        started,
        anonymous_id: "visitor-2",
        url: "https://acme.example/",
      };
      const json = { "content-type": "application/json", accept: "application/json" };
      expect((await post("/m/roi-guide", form, { ...headers, ...json })).status).toBe(200);
      const clicked = { ...view, event: "campaign_click", metadata: { link: lead?.link, evidence: "moved" } };
      expect((await post("/track", clicked, headers)).status).toBe(200);
      await fetch(`${at}/people`, { headers });
    }
    await instance.engine.drain();
    await eventually(() => count(instance, "campaign_click") >= 3, "the openings to be kept");
    for (const telling of [...addresses, "127.0.0.1", "TellTale"]) {
      expect([telling, tablesWith(instance, telling)]).toEqual([telling, []]);
      expect(instance.logged.join("\n")).not.toContain(telling);
      expect([telling, filesWith(folder.path, telling)]).toEqual([telling, []]);
    }
    expect(count(instance, "event")).toBeGreaterThan(1);
    expect(instance.rows("select 1 from event where name = 'form_submit'")).toHaveLength(2);
    expect(instance.rows("select 1 from campaign_click where reason = 'honeypot'").length).toBeGreaterThan(0);
    await instance.app.server?.stop(true);
  }
  for (const telling of [...addresses, "127.0.0.1", "TellTale"]) {
    expect([telling, filesWith(folder.path, telling)]).toEqual([telling, []]);
  }
});
