import { describe, expect, test } from "bun:test";
import { compileGlobs, foldedPlaceOf, placeOf } from "../../src/core/page.ts";

describe("the place of a url", () => {
  test.each([
    { url: "https://www.Example.com/Pricing?plan=pro#faq", host: "example.com", path: "/Pricing" },
    { url: "http://shop.example.com:8080/a/b", host: "shop.example.com", path: "/a/b" },
    { url: "https://example.com", host: "example.com", path: "/" },
    { url: "https://example.com?x=1", host: "example.com", path: "/" },
    { url: "https://ada:secret@example.com/a", host: "example.com", path: "/a" },
    { url: "/pricing?plan=pro", host: "", path: "/pricing" },
    { url: "/a#b?c", host: "", path: "/a" },
    { url: "/go?to=https://other.example/x", host: "", path: "/go" },
    { url: "", host: "", path: "/" },
    { url: "?x", host: "", path: "/" },
  ])("$url is $host and $path", ({ url, host, path }) => {
    expect(placeOf(url)).toEqual({ host, path });
  });
});

describe("a glob", () => {
  test.each([
    { glob: "/pricing", url: "/pricing", matches: true },
    { glob: "/pricing", url: "/pricing/", matches: false },
    { glob: "/pricing", url: "/pricing?plan=pro", matches: true },
    { glob: "/pricing", url: "/en/pricing", matches: false },
    { glob: "/pricing*", url: "/pricing/enterprise", matches: true },
    { glob: "/pricing*", url: "/Pricing-2024", matches: true },
    { glob: "/PRICING", url: "/pricing", matches: true },
    { glob: "/*/pricing", url: "/en/us/pricing", matches: true },
    { glob: "/*/pricing", url: "/pricing", matches: false },
    { glob: "/pricing", url: "https://example.com/pricing", matches: true },
    { glob: "docs.example.com/*", url: "https://docs.example.com/a", matches: true },
    { glob: "docs.example.com/*", url: "https://www.docs.example.com/a", matches: true },
    { glob: "docs.example.com/*", url: "https://example.com/a", matches: false },
    { glob: "*.example.com/a", url: "https://docs.example.com/a", matches: true },
    { glob: "*", url: "/anything", matches: true },
    { glob: "/a*a", url: "/a", matches: false },
    { glob: "/a*a", url: "/aa", matches: true },
    { glob: "/ab*ba", url: "/aba", matches: false },
    { glob: "/a*b*c", url: "/a-b-b-c", matches: true },
    { glob: "/a*b*c", url: "/a-c-b", matches: false },
    { glob: "/a**b", url: "/ab", matches: true },
    { glob: "/a.b", url: "/axb", matches: false },
    { glob: "/a(b)+[c]", url: "/a(b)+[c]", matches: true },
  ])("$glob on $url: $matches", ({ glob, url, matches }) => {
    expect(compileGlobs([glob])(foldedPlaceOf(url))).toBe(matches);
  });

  test("with many stars is done quickly with a long path made to stall it", () => {
    const matches = compileGlobs(["/*a*a*a*a*a*b"]);
    const startedAt = performance.now();
    expect(matches({ host: "", path: `/${"a".repeat(32_000)}` })).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});
