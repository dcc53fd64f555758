import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import type { SignalData } from "../../src/core/signal.ts";
import type { DestinationConfig } from "../../src/destinations/config.ts";
import { openHouse } from "../jobs/house.ts";
import { answering, type Behaviour, type Receiver, startReceiver } from "./receiver.ts";
import { destination, sampleSignal } from "./sample.ts";
import { discordServer, hubspotServer, salesforceServer, slackServer, teamsServer, telegramServer } from "./vendors.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2_048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const ENVIRONMENT = { TOKEN: "123:abc", HUBSPOT: "pat-1", SALESFORCE: "hush", KEY: privateKey };

type Vendor = { config: (url: string) => object; server: (receiver: () => Receiver) => Behaviour };

const vendors: { [type: string]: Vendor } = {
  slack: { config: (url) => ({ type: "slack", url: `${url}/services/T1/B1/token` }), server: () => slackServer },
  telegram: {
    config: (url) => ({ type: "telegram", api_url: url, token: "env:TOKEN", chat_id: -100 }),
    server: () => telegramServer,
  },
  teams: { config: (url) => ({ type: "teams", url }), server: () => teamsServer },
  discord: { config: (url) => ({ type: "discord", url: `${url}/api/webhooks/1/token` }), server: () => discordServer },
  hubspot: { config: (url) => ({ type: "hubspot", api_url: url, token: "env:HUBSPOT" }), server: () => hubspotServer },
  "salesforce by client credentials": {
    config: (url) => ({ type: "salesforce", login_url: url, client_id: "app", client_secret: "env:SALESFORCE" }),
    server: (receiver) => salesforceServer(() => receiver().url, publicKey),
  },
  "salesforce by assertion": {
    config: (url) => ({
      type: "salesforce",
      login_url: url,
      client_id: "app",
      private_key: "env:KEY",
      username: "robot@acme.com",
    }),
    server: (receiver) => salesforceServer(() => receiver().url, publicKey),
  },
};

const hostile = '<!channel> @everyone [x](https://evil.example) *b* _i_ `c` </script> "; \u{1F525}\u202E \n\n';
const people: { [who: string]: Partial<SignalData> } = {
  "somebody known": {},
  "somebody with a hostile name": {
    person: {
      person_id: "per_1",
      email: "mallory@evil.example",
      identities: [],
      traits: { name: hostile.repeat(50), company: hostile },
    },
    reasons: sampleSignal().reasons.map((reason) => ({ ...reason, rule: "r".repeat(64) })),
    attribution: {
      first: {
        at: "2026-03-01T12:00:00.000Z",
        channel: "referral",
        source: hostile.repeat(4),
        campaign: hostile.repeat(4),
        referrer: hostile.repeat(4),
      },
      last: { at: "2026-03-01T12:00:00.000Z", channel: "referral", source: "x".repeat(200) },
      last_non_direct: null,
    },
  },
};

async function deliver(vendor: Vendor, behaviour: Behaviour | null, data: Partial<SignalData> = {}) {
  const receiver = await startReceiver();
  receiver.behave(behaviour ?? vendor.server(() => receiver));
  const config = destination({ ...vendor.config(receiver.url), name: "vendor", allow_private: true });
  await using house = openHouse([config], { post: { environment: ENVIRONMENT } });
  house.signal({ signalId: 1, personId: 1, data });
  await house.deliverer.settled();
  await receiver[Symbol.asyncDispose]();
  const [delivery] = house.deliveries();
  return { delivery, health: house.store.health("vendor"), received: receiver.received };
}

for (const [name, vendor] of Object.entries(vendors)) {
  for (const [who, data] of Object.entries(people)) {
    test(`${name} takes a signal about ${who}`, async () => {
      const { delivery, received } = await deliver(vendor, null, data);
      expect(delivery).toMatchObject({ state: "delivered", attempts: 1 });
      expect(received.length).toBeGreaterThan(0);
    });
  }
}

type Expected = { state: "delivered" | "pending" | "dead"; attempts?: number; afterMs?: number; isPaused?: boolean };

const limited = (afterMs: number): Expected => ({ state: "pending", attempts: 0, afterMs });
const gone: Expected = { state: "pending", attempts: 1, isPaused: true };
const refused: Expected = { state: "dead", attempts: 1 };
const retried: Expected = { state: "pending", attempts: 1, isPaused: false };

const answers: [string, string, Behaviour, Expected][] = [
  ["slack", "too many", answering(429, "rate_limited", { "retry-after": "30" }), limited(30_000)],
  ["slack", "a webhook that was removed", answering(404, "no_service"), gone],
  ["slack", "an archived channel", answering(410, "channel_is_archived"), gone],
  ["slack", "a channel that is closed to it", answering(403, "action_prohibited"), gone],
  ["slack", "a message it does not like", answering(400, "invalid_blocks"), refused],
  ["slack", "a fault of its own", answering(500, "rollup_error"), retried],
  [
    "telegram",
    "too many",
    answering(429, '{"ok":false,"error_code":429,"parameters":{"retry_after":17}}'),
    limited(17_000),
  ],
  ["telegram", "a wrong token", answering(401, '{"ok":false,"description":"Unauthorized"}'), gone],
  ["telegram", "a bot thrown out", answering(403, '{"ok":false,"description":"Forbidden: bot was kicked"}'), gone],
  ["telegram", "no such chat", answering(400, '{"ok":false,"description":"Bad Request: chat not found"}'), gone],
  ["telegram", "a message it does not like", answering(400, '{"ok":false,"description":"Bad Request: x"}'), refused],
  ["telegram", "200 that is not its own", answering(200, "<html>proxy</html>"), retried],
  ["teams", "too many", answering(429, "", { "retry-after": "10" }), limited(10_000)],
  [
    "teams",
    "too many, behind a 200",
    answering(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"),
    retried,
  ],
  ["teams", "a workflow that was removed", answering(404), gone],
  ["teams", "a card it does not like", answering(400, "BadRequest"), refused],
  ["discord", "too many", answering(429, '{"message":"slow","retry_after":0.65,"global":false}'), limited(650)],
  ["discord", "a webhook that was removed", answering(404, '{"code":10015}'), gone],
  ["discord", "a message it does not like", answering(400, '{"code":50035}'), refused],
  ["hubspot", "too many", answering(429, '{"policyName":"TEN_SECONDLY_ROLLING"}'), limited(10_000)],
  ["hubspot", "too many for today", answering(429, '{"policyName":"DAILY"}'), limited(3_600_000)],
  ["hubspot", "an unknown property", answering(400, '{"category":"VALIDATION_ERROR"}'), refused],
  ["hubspot", "a part that failed", answering(207, '{"status":"COMPLETE","numErrors":1,"errors":[{}]}'), refused],
  ["hubspot", "a token that expired", answering(401, '{"category":"EXPIRED_AUTHENTICATION"}'), retried],
  ["hubspot", "a fault of its own", answering(502), retried],
];

for (const [name, what, behaviour, { state, attempts, afterMs, isPaused = false }] of answers) {
  test(`${name}: ${what} leaves the delivery ${state}${isPaused ? " and pauses" : ""}`, async () => {
    const { delivery, health, received } = await deliver(vendors[name] as Vendor, behaviour);
    expect(received).toHaveLength(1);
    expect(delivery).toMatchObject({ state, attempts: attempts ?? 1 });
    expect(health.pausedMs !== null).toBe(isPaused);
    if (afterMs !== undefined) expect((delivery?.nextAttemptMs ?? 0) - (delivery?.createdMs ?? 0)).toBe(afterMs);
  });
}

const recordAnswers: [string, Behaviour, Expected][] = [
  ["an e-mail on several records (300)", answering(300, '["/a","/b"]'), refused],
  [
    "a failed record",
    answering(200, '[{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING"}]}]'),
    refused,
  ],
  ["a locked record", answering(200, '[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW"}]}]'), retried],
  ["an ended session", answering(401, '[{"errorCode":"INVALID_SESSION_ID"}]'), retried],
  ["no requests left", answering(403, '[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]'), limited(900_000)],
  ["200 that is not its own", answering(200, "<html>login</html>"), retried],
];

for (const [what, recordAnswer, { state, attempts }] of recordAnswers) {
  test(`salesforce: ${what} leaves the delivery ${state}`, async () => {
    const vendor = vendors["salesforce by client credentials"] as Vendor;
    const { delivery } = await deliver(
      {
        ...vendor,
        server: (receiver) => (request, response, socket) => {
          const isToken = request.path === "/services/oauth2/token";
          const behaviour = isToken ? salesforceServer(() => receiver().url, publicKey) : recordAnswer;
          behaviour(request, response, socket);
        },
      },
      null,
    );
    expect(delivery).toMatchObject({ state, attempts: attempts ?? 1 });
  });
}

const tokens: [string, Behaviour, string][] = [
  ["is refused", answering(400, '{"error":"invalid_client"}'), "no token was given: invalid_client"],
  [
    "points to a host that is not Salesforce's",
    answering(200, '{"access_token":"x","instance_url":"https://salesforce.com.evil.example"}'),
    "the token is for a host that is not Salesforce's",
  ],
];

for (const [what, behaviour, answer] of tokens) {
  test(`salesforce: a token that ${what} keeps the delivery waiting`, async () => {
    const { delivery, received } = await deliver(vendors["salesforce by client credentials"] as Vendor, behaviour);
    expect(received).toHaveLength(1);
    expect(delivery).toMatchObject({ state: "pending", attempts: 1, lastAnswer: answer });
  });
}

test("a session that ended is renewed with the next attempt", async () => {
  await using receiver = await startReceiver();
  const honest = salesforceServer(() => receiver.url, publicKey);
  let isEnded = true;
  receiver.behave((request, response, socket) => {
    const isData = request.path.startsWith("/services/data");
    if (isData && isEnded) answering(401, "[]")(request, response, socket);
    else honest(request, response, socket);
    if (isData) isEnded = false;
  });
  const vendor = vendors["salesforce by client credentials"] as Vendor;
  const config = destination({ ...vendor.config(receiver.url), name: "crm", allow_private: true });
  await using house = openHouse([config], { post: { environment: ENVIRONMENT } });
  house.signal({ signalId: 1, personId: 1 });
  await house.advance();
  expect(house.deliveries()).toMatchObject([{ state: "delivered", attempts: 2 }]);
  expect(receiver.received.filter(({ path }) => path === "/services/oauth2/token")).toHaveLength(2);
});

const spaced: [string, number][] = [
  ["slack", 1_000],
  ["telegram", 3_000],
  ["teams", 250],
  ["discord", 400],
  ["hubspot", 100],
];

for (const [name, spacingMs] of spaced) {
  test(`${name} gets one message in ${spacingMs} ms`, async () => {
    const config: DestinationConfig = destination({
      ...vendors[name]?.config("http://vendor.example"),
      name: "vendor",
    });
    const atMs: number[] = [];
    await using house = openHouse([config], {
      post: {
        environment: ENVIRONMENT,
        send: async () => {
          atMs.push(house.clock.nowMs);
          return { status: name === "discord" ? 204 : 200, body: '{"ok":true}', retryAfter: null };
        },
      },
    });
    house.signal(...[1, 2, 3].map((signalId) => ({ signalId, personId: signalId })));
    while (await house.advance());
    const [first = 0] = atMs;
    expect(atMs.map((at) => at - first)).toEqual([0, spacingMs, 2 * spacingMs]);
  });
}
