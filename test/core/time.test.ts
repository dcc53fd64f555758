import { describe, expect, test } from "bun:test";
import { correctedTimeMs, parseTimeMs } from "../../src/core/time.ts";

const AT_MS = Date.UTC(2023, 10, 14, 22, 13, 20);

describe("a time on the wire", () => {
  const times: { said: number | string; timeMs: number | null }[] = [
    { said: 1_700_000_000, timeMs: AT_MS },
    { said: 1_700_000_000.25, timeMs: AT_MS + 250 },
    { said: 1_700_000_000_000, timeMs: AT_MS },
    { said: 0, timeMs: 0 },
    { said: "2023-11-14T22:13:20Z", timeMs: AT_MS },
    { said: "2023-11-14T22:13:20.5Z", timeMs: AT_MS + 500 },
    { said: "2023-11-14T22:13:20.123456789Z", timeMs: AT_MS + 123 },
    { said: "2023-11-15T00:13:20+02:00", timeMs: AT_MS },
    { said: "2023-11-14T17:13:20-0500", timeMs: AT_MS },
    { said: "2023-11-14T22:13:20", timeMs: AT_MS },
    { said: "2023-11-14T22:13", timeMs: AT_MS - 20_000 },
    { said: "2023-11-14", timeMs: Date.UTC(2023, 10, 14) },
    { said: -1, timeMs: null },
    { said: Number.NaN, timeMs: null },
    { said: Number.POSITIVE_INFINITY, timeMs: null },
    { said: "", timeMs: null },
    { said: "yesterday", timeMs: null },
    { said: "1700000000", timeMs: null },
    { said: "2023-13-01", timeMs: null },
    { said: "14/11/2023", timeMs: null },
    { said: "2023-11-14T25:00:00Z", timeMs: null },
  ];
  test.each(times)("$said is $timeMs", ({ said, timeMs }) => {
    expect(parseTimeMs(said)).toBe(timeMs);
  });
});

describe("when something happened", () => {
  test.each([
    { what: "now, if nothing is said", saidMs: null, sentMs: null, happenedMs: AT_MS },
    { what: "as said", saidMs: AT_MS - 5, sentMs: null, happenedMs: AT_MS - 5 },
    { what: "now, if said to be in the future", saidMs: AT_MS + 5, sentMs: null, happenedMs: AT_MS },
    {
      what: "corrected by a clock an hour ahead",
      saidMs: AT_MS + 3_599_000,
      sentMs: AT_MS + 3_600_000,
      happenedMs: AT_MS - 1_000,
    },
    { what: "corrected by a clock years behind", saidMs: 1_000, sentMs: 3_000, happenedMs: AT_MS - 2_000 },
    { what: "now, if said to be after it was sent", saidMs: AT_MS, sentMs: AT_MS - 9_000, happenedMs: AT_MS },
    { what: "never before time began", saidMs: 0, sentMs: AT_MS * 2, happenedMs: 0 },
  ])("$what", ({ saidMs, sentMs, happenedMs }) => {
    expect(correctedTimeMs(saidMs, sentMs, AT_MS)).toBe(happenedMs);
  });
});
