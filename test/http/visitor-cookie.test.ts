import { describe, expect, test } from "bun:test";
import { visitorCookie } from "../../src/http/visitor-cookie.ts";

const id = "01a1fbc7-a8c6-7018-8e05-158f3bb9c403";
const attributes = "Path=/; Max-Age=7776000; SameSite=Lax";

describe("the visitor's cookie", () => {
  test.each([
    {
      when: "the browser says it is the same site",
      headers: { origin: "https://www.acme.com", host: "intent.acme.com", "sec-fetch-site": "same-site" },
      cookie: `_di=${id}; ${attributes}; Domain=acme.com; Secure`,
    },
    {
      when: "the domains say so",
      headers: { origin: "http://www.acme.co.uk", host: "intent.acme.co.uk" },
      cookie: `_di=${id}; ${attributes}; Domain=acme.co.uk`,
    },
    {
      when: "it is one address without a domain",
      headers: { origin: "http://127.0.0.1:3000", host: "127.0.0.1:3000" },
      cookie: `_di=${id}; ${attributes}`,
    },
  ])("is set when $when", ({ headers, cookie }) => {
    expect(visitorCookie(new Headers(headers as Record<string, string>), id)).toBe(cookie);
  });

  test.each([
    {
      when: "the page is of another site",
      headers: { origin: "https://other.com", host: "intent.acme.com" },
      said: id,
    },
    {
      when: "the browser says it is another site",
      headers: { origin: "https://www.acme.com", host: "intent.acme.com", "sec-fetch-site": "cross-site" },
      said: id,
    },
    { when: "two customers share a host", headers: { origin: "https://a.github.io", host: "b.github.io" }, said: id },
    { when: "two sites share a suffix", headers: { origin: "https://a.co.uk", host: "b.co.uk" }, said: id },
    { when: "no browser asks", headers: { host: "intent.acme.com" }, said: id },
    {
      when: "the id is none",
      headers: { origin: "https://www.acme.com", host: "intent.acme.com" },
      said: "x; Domain=evil",
    },
    { when: "there is no id", headers: { origin: "https://www.acme.com", host: "intent.acme.com" }, said: null },
  ])("is not set when $when", ({ headers, said }) => {
    expect(visitorCookie(new Headers(headers as Record<string, string>), said)).toBeNull();
  });
});
