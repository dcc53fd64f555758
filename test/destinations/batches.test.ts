import { expect, test } from "bun:test";
import type { SignalData } from "../../src/core/signal.ts";
import { type House, openHouse } from "../jobs/house.ts";
import { answering, type Behaviour, type Received, type Receiver, startReceiver } from "./receiver.ts";
import { destination, sampleSignal } from "./sample.ts";
import { hubspotServer, REFUSED_DOMAIN, salesforceServer } from "./vendors.ts";

type Crm = {
  recordsMax: number;
  config: (url: string) => object;
  server: (receiver: () => Receiver) => Behaviour;
  emailsOf: (request: Received) => string[];
};

const CRMS: { [name: string]: Crm } = {
  hubspot: {
    recordsMax: 100,
    config: (url) => ({ type: "hubspot", api_url: url, token: "env:HUBSPOT" }),
    server: () => hubspotServer,
    emailsOf: ({ body }) => JSON.parse(body).inputs.map(({ id }: { id: string }) => id),
  },
  salesforce: {
    recordsMax: 200,
    config: (url) => ({ type: "salesforce", login_url: url, client_id: "app", client_secret: "env:SALESFORCE" }),
    server: (receiver) => salesforceServer(() => receiver().url, ""),
    emailsOf: ({ body }) =>
      JSON.parse(body).records.map((record: { Intent_Email__c: string }) => record.Intent_Email__c),
  },
};

const about = (email: string): Partial<SignalData> => ({ person: { ...sampleSignal().person, email } });
const numbered = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const isToken = ({ path }: Received): boolean => path === "/services/oauth2/token";

type Opened = AsyncDisposable & {
  house: House;
  receiver: Receiver;
  /** The addresses of each request. */
  sent: () => string[][];
  states: () => string[];
  /** Until nothing is due within a minute. */
  settle: () => Promise<void>;
};

/** `behave` may answer a request for records; where it returns false, the vendor does. */
async function open(crm: Crm, behave: (...given: Parameters<Behaviour>) => boolean = () => false): Promise<Opened> {
  const receiver = await startReceiver();
  const vendor = crm.server(() => receiver);
  receiver.behave((request, response, socket) => {
    if (isToken(request) || !behave(request, response, socket)) vendor(request, response, socket);
  });
  const config = destination({ ...crm.config(receiver.url), name: "crm", allow_private: true, concurrency_max: 1 });
  const house = openHouse([config], { post: { environment: { HUBSPOT: "pat-1", SALESFORCE: "hush" } } });
  return {
    house,
    receiver,
    sent: () => receiver.received.filter((request) => !isToken(request)).map(crm.emailsOf),
    states: () => house.deliveries().map(({ state }) => state),
    settle: async () => {
      const untilMs = house.clock.nowMs + 60_000;
      while (await house.advance(untilMs));
    },
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

for (const [name, crm] of Object.entries(CRMS)) {
  const { recordsMax } = crm;

  test(`${name}: what waits goes together, ${recordsMax} in a request`, async () => {
    await using opened = await open(crm);
    const { house, sent, states, settle } = opened;
    const count = 2 * recordsMax + 50;
    house.signal(
      ...numbered(count).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
    );
    await settle();
    expect(sent().map((emails) => emails.length)).toEqual([recordsMax, recordsMax, 50]);
    expect(new Set(sent().flat()).size).toBe(count);
    expect(new Set(states())).toEqual(new Set(["delivered"]));
    expect(states()).toHaveLength(count);
  });

  test(`${name}: a record that is refused sinks no other, and says why`, async () => {
    await using opened = await open(crm);
    const { house, sent, settle } = opened;
    house.signal(
      ...numbered(20).map((signalId) => ({
        signalId,
        personId: signalId,
        data: about(signalId === 7 ? `ada@${REFUSED_DOMAIN}` : `${signalId}@acme.com`),
      })),
    );
    await settle();
    expect(sent()).toHaveLength(1);
    for (const { deliveryId, state, attempts, lastAnswer } of house.deliveries()) {
      expect({ deliveryId, state, attempts }).toEqual({
        deliveryId,
        state: deliveryId === 7 ? "dead" : "delivered",
        attempts: 1,
      });
      expect(lastAnswer ?? "").toMatch(deliveryId === 7 ? /VALIDATION_ERROR|INVALID_EMAIL_ADDRESS/ : /^$/);
      expect(lastAnswer).not.toContain("ada@");
    }
  });

  test(`${name}: a request refused as a whole is sent in halves until the one at fault stands alone`, async () => {
    await using opened = await open(crm, (request, response, socket) => {
      const isSunk = crm.emailsOf(request).some((email) => email.endsWith(REFUSED_DOMAIN));
      if (isSunk) answering(400, '{"category":"VALIDATION_ERROR"}')(request, response, socket);
      return isSunk;
    });
    const { house, sent, states, settle } = opened;
    house.signal(
      ...numbered(64).map((signalId) => ({
        signalId,
        personId: signalId,
        data: about(signalId === 42 ? `ada@${REFUSED_DOMAIN}` : `${signalId}@acme.com`),
      })),
    );
    await settle();
    expect(states().map((state, index) => (state === "delivered" ? 0 : index + 1))).toEqual(
      numbered(64).map((signalId) => (signalId === 42 ? 42 : 0)),
    );
    expect(house.deliveries()[41]).toMatchObject({ state: "dead", attempts: 1, lastStatus: 400 });
    // 64, and twice each of 32, 16, 8, 4, 2 and 1.
    expect(sent()).toHaveLength(13);
    const delivered = sent().filter((emails) => !emails.some((email) => email.endsWith(REFUSED_DOMAIN)));
    expect(new Set(delivered.flat()).size).toBe(delivered.flat().length);
  });

  test(`${name}: a failure of the whole request is one of each, and all come again`, async () => {
    let isDown = true;
    await using opened = await open(crm, (request, response, socket) => {
      if (isDown) answering(503, "down")(request, response, socket);
      return isDown;
    });
    const { house, sent, states, settle } = opened;
    house.signal(
      ...numbered(30).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
    );
    await house.deliverer.settled();
    const failed = { state: "pending", attempts: 1, lastStatus: 503, lastAnswer: "down" };
    expect(house.deliveries()).toMatchObject(Array(30).fill(failed));
    isDown = false;
    await settle();
    expect(sent().map((emails) => emails.length)).toEqual([30, 30]);
    expect(new Set(states())).toEqual(new Set(["delivered"]));
  });

  test(`${name}: signals of one person, and of two with one address, never meet in a request, the earlier first`, async () => {
    await using opened = await open(crm);
    const { house, sent, states, settle } = opened;
    const people: [personId: number, email: string][] = [
      [1, "ada@acme.com"],
      [1, "ada@acme.com"],
      [2, "Ada@acme.com"],
      [3, "bob@acme.com"],
      [1, "ada@acme.com"],
    ];
    house.signal(
      ...people.map(([personId, email], index) => ({
        signalId: index + 1,
        personId,
        data: { ...about(email), score: index },
      })),
    );
    await settle();
    expect(states()).toEqual(Array(5).fill("delivered"));
    expect(sent()[0]).toEqual(["ada@acme.com", "bob@acme.com"]);
    for (const emails of sent()) {
      expect(new Set(emails.map((email) => email.toLowerCase())).size).toBe(emails.length);
    }
    const scores = opened.receiver.received
      .flatMap(({ body }) => [...body.matchAll(/(\S+?)@acme[^}]*?[Ss]core(?:__c)?":"?(\d)/g)])
      .filter(([found]) => /"ada@acme/.test(found))
      .map(([, , score]) => Number(score));
    expect(scores).toEqual([0, 1, 4]);
  });

  test(`${name}: a replay sends the record alone, as it was stored`, async () => {
    await using opened = await open(crm);
    const { house, sent, settle } = opened;
    house.signal(
      ...numbered(3).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
    );
    await settle();
    const [, second] = house.deliveries();
    if (second === undefined) throw new Error("nothing was delivered");
    house.store.replay(second, house.clock.nowMs);
    house.deliverer.wake();
    await settle();
    expect(sent()).toEqual([["1@acme.com", "2@acme.com", "3@acme.com"], ["2@acme.com"]]);
    expect(house.deliveries()[1]).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test(`${name}: what waits since the name was another kind of destination goes alone, and is refused alone`, async () => {
    await using opened = await open(crm);
    const { house, states, settle } = opened;
    const crmConfig = house.configs;
    const row = { personId: 9, destination: "crm", createdMs: house.clock.nowMs };
    house.store.insert([
      { ...row, signalId: 8, personId: 8, body: '{"type":"intent.threshold_crossed","inputs":[],"records":[{}]}' },
      { ...row, signalId: 9, body: "not even JSON" },
    ]);
    expect(crmConfig).toHaveLength(1);
    house.signal({ signalId: 10, personId: 10, data: about("ada@acme.com") });
    opened.receiver.behave((request, response, socket) => {
      const isOurs = isToken(request) || request.body.includes("ada@acme.com");
      const behaviour = isOurs ? crm.server(() => opened.receiver) : answering(400, "{}");
      behaviour(request, response, socket);
    });
    await settle();
    expect(states()).toEqual(["dead", "dead", "delivered"]);
  });
}

test("hubspot: an error that names nobody is looked for in halves", async () => {
  await using opened = await open(CRMS.hubspot as Crm, (request, response, socket) => {
    const emails = (CRMS.hubspot as Crm).emailsOf(request);
    const isSunk = emails.includes("3@acme.com");
    const partial = { status: "COMPLETE", results: emails.slice(1).map(() => ({})), numErrors: 1, errors: [{}] };
    if (isSunk) answering(207, JSON.stringify(partial))(request, response, socket);
    return isSunk;
  });
  const { house, states, settle } = opened;
  house.signal(
    ...numbered(4).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
  );
  await settle();
  expect(states()).toEqual(["delivered", "delivered", "dead", "delivered"]);
});

test("salesforce: locked records come again, and the destination is none the worse for them", async () => {
  let isLocked = true;
  await using opened = await open(CRMS.salesforce as Crm, (request, response, socket) => {
    const wasLocked = isLocked;
    isLocked = false;
    const results = (CRMS.salesforce as Crm).emailsOf(request).map((email) => ({
      success: email === "2@acme.com",
      errors: email === "2@acme.com" ? [] : [{ statusCode: "UNABLE_TO_LOCK_ROW" }],
    }));
    if (wasLocked) answering(200, JSON.stringify(results))(request, response, socket);
    return wasLocked;
  });
  const { house, sent, settle } = opened;
  house.signal(
    ...numbered(3).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
  );
  await settle();
  expect(sent()).toEqual([
    ["1@acme.com", "2@acme.com", "3@acme.com"],
    ["1@acme.com", "3@acme.com"],
  ]);
  expect(house.deliveries().map(({ attempts }) => attempts)).toEqual([2, 1, 2]);
  expect(house.logged).not.toContain("destination_failing");
});

test("salesforce: results that are fewer than the records are of none of them", async () => {
  let isCut = true;
  await using opened = await open(CRMS.salesforce as Crm, (request, response, socket) => {
    const wasCut = isCut;
    isCut = false;
    if (wasCut) answering(200, '[{"success":true}]')(request, response, socket);
    return wasCut;
  });
  const { house, settle } = opened;
  house.signal(
    ...numbered(2).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
  );
  await settle();
  expect(house.deliveries()).toMatchObject([
    { state: "delivered", attempts: 2 },
    { state: "delivered", attempts: 2 },
  ]);
});

test("killed while halves wait, the next start sends them all", async () => {
  const crm = CRMS.hubspot as Crm;
  let isSunk = true;
  await using opened = await open(crm, (request, response, socket) => {
    if (isSunk) answering(400, "{}")(request, response, socket);
    return isSunk;
  });
  const { house, states, settle } = opened;
  house.signal(
    ...numbered(8).map((signalId) => ({ signalId, personId: signalId, data: about(`${signalId}@acme.com`) })),
  );
  await house.deliverer.settled();
  expect(states()).toEqual(Array(8).fill("pending"));
  isSunk = false;
  house.restart();
  await settle();
  expect(states()).toEqual(Array(8).fill("delivered"));
});

test("two records of one address are never under way at once, in however many requests", async () => {
  const crm = CRMS.salesforce as Crm;
  const underWay: string[] = [];
  let atOnceMax = 0;
  await using opened = await open(crm, (request, response, socket) => {
    const emails = crm.emailsOf(request);
    underWay.push(...emails);
    atOnceMax = Math.max(atOnceMax, ...emails.map((email) => underWay.filter((other) => other === email).length));
    // Long enough for whatever else is sent in the same round.
    setTimeout(() => {
      for (const email of emails) underWay.splice(underWay.indexOf(email), 1);
      crm.server(() => opened.receiver)(request, response, socket);
    }, 50);
    return true;
  });
  const { house, sent, states, settle } = opened;
  house.configs = house.configs.map((config) => ({ ...config, concurrency_max: 4 }) as never);
  const emails = ["ada@acme.com", "ada@acme.com", "bob@acme.com", "ada@acme.com", "bob@acme.com"];
  house.signal(...emails.map((email, index) => ({ signalId: index + 1, personId: index + 1, data: about(email) })));
  await settle();
  expect(atOnceMax).toBe(1);
  expect(sent()).toEqual([["ada@acme.com", "bob@acme.com"], ["ada@acme.com", "bob@acme.com"], ["ada@acme.com"]]);
  expect(states()).toEqual(emails.map(() => "delivered"));
});
