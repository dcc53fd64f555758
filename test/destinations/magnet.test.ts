import { describe, expect, test } from "bun:test";
import { destinationOf } from "../../src/destinations/registry.ts";
import { renderDeliveries } from "../../src/destinations/render.ts";
import { destination, NOON_MS, SECRET, sampleSignal } from "./sample.ts";

const CONTEXT = { linkTo: null, nowMs: NOON_MS };
const REQUEST = sampleSignal({
  threshold: { name: "lead_magnet.roi-guide", score: 0 },
  magnet: { slug: "roi-guide", title: "The ROI guide", level: "hot" },
});

const rendered = (config: object): string => destinationOf(destination(config)).render(REQUEST, CONTEXT);

describe("a request for a lead magnet", () => {
  const messages = [
    { type: "slack", url: "https://hooks.slack.example/x" },
    { type: "teams", url: "https://teams.example/x" },
    { type: "discord", url: "https://discord.example/x" },
    { type: "telegram", token: "1:a", chat_id: 1 },
  ];
  test.each(messages)("says who asked for what in a glance: $type", (config) => {
    // As it is read: without what JSON and each service's own markup put before a character.
    const text = rendered({ name: "a", ...config }).replaceAll("\\", "");
    expect(text).toContain('asked for "The ROI guide", hot: 63 of 100, before 52');
    expect(text).toContain("Ada Lovelace");
    expect(text).toContain("ada@acme.com");
  });

  test("has a name of its own for machines, and no threshold that nobody crossed", () => {
    const { type, data } = JSON.parse(
      rendered({ type: "webhook", name: "a", url: "https://a.example", secret: SECRET }),
    );
    expect(type).toBe("lead_magnet.requested");
    expect(data.threshold).toBeUndefined();
    expect(data).toMatchObject({
      magnet: { slug: "roi-guide", title: "The ROI guide", level: "hot" },
      person: { email: "ada@acme.com", traits: { name: "Ada Lovelace" } },
      score: 63.04,
    });
    expect(JSON.parse(rendered({ type: "log", name: "a" })).event).toBe("lead_magnet.requested");
    const template = { slug: "{{magnet.slug}}", email: "{{person.email}}", what: "{{type}}" };
    expect(JSON.parse(rendered({ type: "http", name: "a", url: "https://a.example", body: template }))).toEqual({
      slug: "roi-guide",
      email: "ada@acme.com",
      what: "lead_magnet.requested",
    });
  });

  test("tells a CRM the level that the person has", () => {
    const hubspot = JSON.parse(rendered({ type: "hubspot", name: "a", token: "env:TOKEN" }));
    expect(hubspot.inputs[0].properties.intent_level).toBe("hot");
    const login = { login_url: "https://a.example", client_id: "a", client_secret: "env:SECRET" };
    const salesforce = JSON.parse(rendered({ type: "salesforce", name: "a", ...login }));
    expect(salesforce.records[0].Intent_Level__c).toBe("hot");
  });

  const filters: { filter: object; isWanted: boolean }[] = [
    { filter: {}, isWanted: true },
    { filter: { types: ["lead_magnet.requested"] }, isWanted: true },
    { filter: { types: ["intent.threshold_crossed", "account.threshold_crossed"] }, isWanted: false },
    { filter: { thresholds: ["lead_magnet.roi-guide"] }, isWanted: true },
    { filter: { thresholds: ["lead_magnet.other", "hot"] }, isWanted: false },
    { filter: { types: ["lead_magnet.requested"], with_email_only: true, accounts_only: true }, isWanted: true },
  ];
  test.each(filters)("passes %j or not", ({ filter, isWanted }) => {
    const config = destination({ type: "log", name: "a", filter });
    expect(renderDeliveries(REQUEST, [config], CONTEXT)).toHaveLength(isWanted ? 1 : 0);
  });
});
