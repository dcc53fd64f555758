import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { landingProblem, landingUrls, redirectUrl, slugOf } from "../../src/core/campaign.ts";
import { holds } from "./property.ts";

describe("a campaign's name in links", () => {
  const names: [string, string | null][] = [
    ["Q1 outbound", "q1-outbound"],
    ["  Zoë & Müller: Café!  ", "zoe-muller-cafe"],
    ["../../etc/passwd", "etc-passwd"],
    ["a".repeat(100), "a".repeat(64)],
    [`${"a".repeat(63)} b`, "a".repeat(63)],
    ["日本", null],
    ["!!!", null],
  ];
  test.each(names)("of %p is %p", (name, slug) => expect(slugOf(name)).toBe(slug));
});

describe("a link", () => {
  const campaign = { slug: "spring", name: "Spring", baseUrl: "https://acme.example", landing: "/", utm: {} };

  test("never leaves the site it was made for, whatever the page is called", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom("/", "//", "\\", "@evil.example", "..", "?", "#", "&i=", "%2f", ":", "\t", "\n", "evil.example"),
    );
    const landings = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join("")}`);
    const bases = fc.constantFrom(
      "https://acme.example",
      "http://acme.example:8080/en",
      "https://www.acme.example/a/b",
    );
    let taken = 0;
    holds(
      fc.property(landings, bases, (landing, baseUrl) => {
        if (landingProblem({ baseUrl, landing }) !== null) return;
        taken += 1;
        const url = new URL(landingUrls({ ...campaign, baseUrl, landing })("abcDEF12"));
        expect(url.origin).toBe(new URL(baseUrl).origin);
        expect(url.searchParams.getAll("i")).toEqual(["abcDEF12"]);
      }),
      2_000,
    );
    expect(taken).toBeGreaterThan(100);
  });

  const ends: [string, object, string][] = [
    ["/", {}, "/?i=ID&utm_campaign=spring"],
    ["/demo", { utm_source: "a b&c" }, "/demo?i=ID&utm_campaign=spring&utm_source=a%20b%26c"],
    ["/demo?", {}, "/demo?i=ID&utm_campaign=spring"],
    ["/demo?x=1&y=%20#part", {}, "/demo?x=1&y=%20&i=ID&utm_campaign=spring#part"],
    ["/demo?utm_campaign=own", { utm_campaign: "other" }, "/demo?utm_campaign=own&i=ID"],
    ["/demo", { utm_campaign: "other" }, "/demo?i=ID&utm_campaign=other"],
  ];
  test.each(ends)("to %p with %p ends at %p", (landing, utm, end) => {
    expect(landingUrls({ ...campaign, landing, utm: { ...utm } })("ID")).toBe(`https://acme.example${end}`);
  });

  test("that redirects names the campaign and the lead", () => {
    expect(redirectUrl("https://i.example/base", "spring", "abc")).toBe("https://i.example/base/c/spring/abc");
  });
});
