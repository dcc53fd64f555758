import { describe, expect, test } from "bun:test";
import { bannerText } from "../../src/commands/banner.ts";
import type { ServeOptions } from "../../src/config/commands.ts";

const options: ServeOptions = {
  data: "./data",
  port: 0,
  host: "0.0.0.0",
  origins: [],
  config: null,
  durability: "full",
  log: "pretty",
  logRequests: false,
  secretKey: null,
  secretKeyFile: null,
};
const keys = {
  active: () => [],
  liveWriteKey: () => null,
  writeKey: "wk_1",
  freshSecretKey: null,
  isGivenKeyIgnored: false,
  persist: () => {},
};

function banner(
  changes: Partial<ServeOptions>,
  secretKey: string | null = null,
  publicUrl: string | null = null,
): string {
  return bannerText({
    options: { ...options, ...changes },
    port: 3000,
    keys: { ...keys, freshSecretKey: secretKey },
    configHash: "0123456789abcdef",
    publicUrl,
  });
}

describe("what serve prints first", () => {
  const hosts: [string, string][] = [
    ["0.0.0.0", "http://localhost:3000"],
    ["::", "http://localhost:3000"],
    ["127.0.0.1", "http://127.0.0.1:3000"],
    ["::1", "http://[::1]:3000"],
    ["intent.acme.example", "http://intent.acme.example:3000"],
  ];
  test.each(hosts)("on %s: an address that works", (host, url) => {
    const text = banner({ host });
    expect(text).toContain(`do-intent listens on ${url}\n`);
    expect(text).toContain(`<script async src="${url}/s.js" data-key="wk_1"></script>`);
    expect(URL.canParse(url)).toBe(true);
  });

  test("the secret key only when it is fresh", () => {
    expect(banner({}, "sk_1")).toContain("sk_1");
    expect(banner({})).not.toContain("secret key");
  });

  test("the origins that may send, or that any may", () => {
    expect(banner({ origins: ["https://a.example", "https://b.example"] })).toContain(
      "https://a.example, https://b.example",
    );
    expect(banner({})).toContain("--origin");
  });

  test("the tag names the address that visitors reach, where one is configured", () => {
    expect(banner({}, null, "https://intent.acme.example")).toContain('src="https://intent.acme.example/s.js"');
  });

  test("a secret key that was given is not repeated", () => {
    const text = banner({ secretKey: "sk_given_0123456789" }, "sk_given_0123456789");
    expect(text).toContain("as given in DO_INTENT_SECRET_KEY\n");
    expect(text).not.toContain("sk_given");
    const fromFile = banner({ secretKeyFile: "/run/key" }, "sk_given_0123456789");
    expect(fromFile).toContain("as given in DO_INTENT_SECRET_KEY_FILE\n");
    expect(fromFile).not.toContain("sk_given");
  });
});
