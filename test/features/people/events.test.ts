import { describe, expect, test } from "bun:test";
import type { EventsAnswer } from "../../../src/features/people/events.ts";
import { NOON_MS, startInstance } from "../../support/instance.ts";
import { eventPages, identify, pageView, personOf } from "./reads.ts";

describe("a person's events", () => {
  test("come in the words of /track", async () => {
    await using instance = startInstance();
    const sent = {
      event: "page_view",
      event_id: "e-1",
      anonymous_id: "ada",
      session_id: "s-1",
      url: "/pricing",
      referrer: "google",
      timestamp: NOON_MS - 60_000,
      metadata: { device: "mobile", deep: { country: "ZA" } },
    };
    await instance.post("/track", sent);
    await instance.post(
      "/track",
      { event: "page_view", event_id: "e-2", anonymous_id: "ada", timestamp: NOON_MS - 1 },
      {
        "user-agent": "Googlebot/2.1",
      },
    );
    const personId = await identify(instance, null, { user_id: "u1", email: "ada@acme.example" });
    await identify(instance, "ada", { user_id: "u1" });
    await instance.postSecret("/track", { event: "renewal", event_id: "e-3", user_id: "u1" });
    const { events } = (await instance.getSecret<EventsAnswer>(`/people/${personId}/events`)).body;
    expect(events[0]).toMatchObject({ event_id: "e-3", event: "renewal", user_id: "u1" });
    expect(events.map(({ event }) => event)).toEqual(["renewal", "identify", "identify", "page_view", "page_view"]);
    expect(events[3]).toMatchObject({ event_id: "e-2", session_id: null, url: null, metadata: {}, bot: "user_agent" });
    expect(events[4]).toEqual({
      ...sent,
      timestamp: "2026-06-01T11:59:00.000Z",
      received_at: "2026-06-01T12:00:00.000Z",
      bot: null,
    });
  });

  test("of all their identifiers come newest first, each once, whatever the size of the pages", async () => {
    await using instance = startInstance();
    const visitors = ["laptop", "phone", "tablet"];
    // Many at the very same moment, in one visitor and across them.
    const events = Array.from({ length: 90 }, (_, index) =>
      pageView(visitors[index % 3] ?? "", NOON_MS - (index % 5) * 60_000, `/page-${index}`),
    );
    await instance.post("/track", [...events, pageView("stranger", NOON_MS)]);
    for (const visitor of visitors) await identify(instance, visitor, { email: "ada@acme.example" });
    const [all = []] = await eventPages(instance, "/people/phone/events?limit=500");
    expect(all).toHaveLength(93);
    const times = all.map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(all.map(({ event_id }) => event_id)).size).toBe(93);
    for (const limit of [1, 7, 46, 92, 93]) {
      const pages = await eventPages(instance, `/people/ada@acme.example/events?limit=${limit}`);
      expect(pages.flat()).toEqual(all);
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
    }
  });

  test("stay with the one who did them when somebody else takes over the browser", async () => {
    await using instance = startInstance();
    await instance.post("/track", pageView("family", NOON_MS, "/ada"));
    await identify(instance, "family", { email: "ada@acme.example" });
    await identify(instance, "family", { email: "bob@acme.example" });
    await instance.post("/track", pageView("family", NOON_MS, "/bob"));
    const urlsOf = async (who: string) => {
      const pages = await eventPages(instance, `/people/${who}/events`);
      return pages.flat().flatMap(({ url }) => url ?? []);
    };
    expect(await urlsOf("ada@acme.example")).toEqual(["/ada"]);
    expect(await urlsOf("bob@acme.example")).toEqual(["/bob"]);
    expect((await personOf(instance, "family")).identities[0]?.value).toBe("bob@acme.example");
  });
});
