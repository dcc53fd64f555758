import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { MARKER } from "../support/secrecy.ts";
import { encoded, type Input, odd, requestOf, text } from "./fuzz-inputs.ts";

/** What is there to be found by its name: so that requests reach what lies behind the first look. */
export type Riches = { links: string[]; trap: string; started: string };

const IDENTITY_SECRET = "an identity secret of thirty-two or more characters";
const UNLIMITED = { per_second: 1_000_000, burst: 1_000_000 };
/** A form that was drawn a moment ago was filled by a machine. */
const DRAWN_MS = 2_500;

export const ENVIRONMENT = { FUZZ_IDENTITY_SECRET: IDENTITY_SECRET };

const OTHERS = [
  { name: "name", label: "Name", required: true },
  { name: "phone", label: "Phone", type: "tel" },
  { name: "team_size", label: "Team", type: "number" },
  { name: "timing", label: "When", type: "select", options: ["now", "later"] },
];

/** All that can be switched on, and nothing that leaves this machine. */
export function writeRichConfig(folder: string): void {
  const booking = { url: "https://cal.example/team", when: { level: "warm", traits: { team_size: { gte: 5 } } } };
  const intent = {
    limits: { network: UNLIMITED, network_events: UNLIMITED, key: UNLIMITED, visitor: UNLIMITED },
    public_url: "https://intent.example",
    identity_verification: "optional",
    identity_secret: "env:FUZZ_IDENTITY_SECRET",
    personalize: ["first_name", "company", "level", "group.high_intent", "channel", "utm_source", "team_size"],
    privacy: { country_header: "CF-IPCountry", device_class: true },
    destinations: [
      { type: "http", name: "crm", url: "https://receiver.invalid/", body: "{{who}} {{link}}" },
      { type: "file", name: "kept", path: join(folder, "signals.jsonl") },
    ],
    magnets: [{ slug: "guide", title: "Guide", url: "https://files.example/guide.pdf", fields: OTHERS, booking }],
  };
  writeFileSync(join(folder, "intent.json"), JSON.stringify(intent));
}

/** A campaign with its links, and the token of a form that is old enough to be sent. */
export async function makeRiches(url: string, secretKey: string): Promise<Riches> {
  const headers = { authorization: `Bearer ${secretKey}` };
  const leads = [{ email: "lead@acme.example", first_name: "Lea", company: "Acme" }, { email: "other@acme.example" }];
  const campaign = { name: "spring", base_url: "https://acme.example", landing: "/demo", leads };
  const made = await fetch(`${url}/campaigns`, { method: "POST", headers, body: JSON.stringify(campaign) });
  const { honeypot_url } = (await made.json()) as { honeypot_url: string };
  const listed = await fetch(`${url}/campaigns/spring/leads`, { headers });
  const { leads: stored } = (await listed.json()) as { leads: { link_id: string }[] };
  const { started } = (await (await fetch(`${url}/m/guide/form.json`)).json()) as { started: string };
  await Bun.sleep(DRAWN_MS);
  return { links: stored.map(({ link_id }) => link_id), trap: new URL(honeypot_url).pathname, started };
}

const any = fc.anything({ maxDepth: 3, values: [odd, fc.double(), fc.boolean(), fc.constant(null)], key: odd });

function tokenOf(payload: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value) ?? "").toString("base64url");
  const signed = `${part({ alg: "HS256" })}.${part(payload)}`;
  return `${signed}.${createHmac("sha256", IDENTITY_SECRET).update(signed).digest("base64url")}`;
}

const token = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom("sub", "user_id", "email", "phone", "traits", "exp", "nbf", "iat", "iss"),
      fc.oneof(odd, any, fc.constant(9_000_000_000)),
    )
    .map((claims) => tokenOf({ exp: 9_000_000_000, ...claims })),
  any.map(tokenOf),
  odd,
);

const signedIdentify = fc
  .record({
    anonymous_id: fc.constantFrom("visitor-1", "visitor-2", undefined),
    identity: fc.dictionary(
      fc.constantFrom("email", "user_id", "phone", "name", "first_name", "company"),
      fc.oneof(odd, any),
    ),
    user_hash: token,
  })
  .map(text);

const typedFields = (started: string) =>
  fc.record({
    typed: fc.dictionary(
      fc.constantFrom("email", "name", "phone", "team_size", "timing", "website", "anonymous_id", "url", "__proto__"),
      fc.oneof(odd, fc.constantFrom("5", "now", "+49301234567", `<${MARKER}>`)),
      { maxKeys: 8 },
    ),
    email: fc.constantFrom("ada@acme.example", "lead@acme.example", null),
    started: fc.constantFrom(started, started, started, "", MARKER),
  });

/** A lead magnet's form, as a script, a page and a page with files send it. */
const submission = (started: string): fc.Arbitrary<[type: string, body: Uint8Array]> =>
  typedFields(started).chain(({ typed, email, started: token }) => {
    const fields = { ...typed, ...(email === null ? {} : { email, name: "Ada" }), started: token };
    const entries = Object.entries(fields);
    const pairs = entries.map(([name, value]) => `${name}=${encoded(String(value))}`).join("&");
    const parts = entries.map(
      ([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    return fc.constantFrom<[string, Uint8Array]>(
      ["application/x-www-form-urlencoded", text(pairs)],
      ["application/json", text(fields)],
      ["multipart/form-data; boundary=x", text(`${parts.join("")}--x--\r\n`)],
    );
  });

const click = (links: readonly string[]) =>
  fc
    .record({
      event: fc.constant("campaign_click"),
      anonymous_id: fc.constantFrom("visitor-1", "visitor-2", "visitor-3"),
      url: fc.oneof(odd, fc.constantFrom(...links.map((link) => `https://acme.example/demo?i=${link}`))),
      metadata: fc.record({
        link: fc.oneof(odd, any, fc.constantFrom(...links)),
        evidence: fc.oneof(odd, fc.constantFrom("moved", "scrolled", "touched", "typed", "visible")),
      }),
    })
    .map(text);

const place = ({ links, trap }: Riches): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom("/m/guide", "/m/guide/form.json", "/m/guide/file", "/m/guide/thanks/10", "/p", trap),
    fc.constantFrom("/t.js", "/s.js", "/spring/1.js", "/observe.js"),
    fc.constantFrom(...links.map((link) => `/c/spring/${link}`)),
    odd.map((said) => `/m/guide/thanks/${encoded(said)}`),
    odd.map((said) => `/m/guide?embed=1&url=${encoded(said)}`),
    odd.map((said) => `/c/spring/${encoded(said)}`),
    fc.tuple(odd, odd).map(([a, b]) => `/m/guide/file?expires=${encoded(a)}&signature=${encoded(b)}`),
    fc.tuple(fc.constantFrom("anonymous_id", "i", "v"), odd).map(([name, said]) => `/p?${name}=${encoded(said)}`),
    fc.constantFrom(...links).map((link) => `/p?i=${link}&anonymous_id=visitor-1`),
  );

const inHeader = odd.map((said) => said.replace(/[^ -~]/g, " "));
const headers = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constant("cookie"),
      inHeader.map((said) => `_di=${said}; _di.s=${said}.1`),
    ),
    fc.tuple(fc.constantFrom("sec-gpc", "dnt", "sec-purpose"), fc.constantFrom("1", "prefetch")),
    fc.tuple(
      fc.constantFrom("user-agent", "accept", "accept-language", "referer", "origin", "cf-ipcountry", "if-none-match"),
      inHeader,
    ),
    fc.tuple(fc.constantFrom("sec-ch-ua-mobile", "accept"), fc.constantFrom("?1", "?0", "text/html")),
  ),
  { maxLength: 4 },
);

/** Requests to what is really there, nearly right. */
export function richInputs(riches: Riches): fc.Arbitrary<Input> {
  const asked = fc.oneof(
    fc.tuple(
      fc.constantFrom("GET", "HEAD", "GET", "POST"),
      place(riches),
      fc.constant<[string, Uint8Array]>(["text/plain", text("")]),
    ),
    fc.tuple(fc.constant("POST"), fc.constant("/m/guide"), submission(riches.started)),
    fc.tuple(
      fc.constant("POST"),
      fc.constant("/identify"),
      signedIdentify.map((body) => ["text/plain", body] as const),
    ),
    fc.tuple(
      fc.constant("POST"),
      fc.constant("/v1/e"),
      click(riches.links).map((body) => ["text/plain", body] as const),
    ),
  );
  return fc.tuple(asked, headers).map(([[method, target, [type, body]], said]) => {
    const bytes = requestOf({ method, target, headers: [...said, ["content-type", type]], body, isChunked: false });
    // A form shows again what was typed into it, and a page greets whoever said their name.
    const isRepeating = target.startsWith("/m/") || target.startsWith("/p");
    return { bytes, isHead: method === "HEAD", isSecret: false, isRepeating, isComplete: true };
  });
}
