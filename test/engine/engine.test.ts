import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/core/error.ts";
import { storageRefusal } from "../../src/core/storage-fault.ts";
import type { LoopStore } from "../../src/store/port.ts";
import { END_MS } from "../core/histories.ts";
import { neverFalls } from "../core/scoring.ts";
import { eventOf, identifier, identify, track, visitorId } from "../core/world.ts";
import { type EngineHouse, openEngine } from "./house.ts";

function diskGone(): Error {
  return Object.assign(new Error("the disk is gone"), { code: "SQLITE_IOERR" });
}

const ada = visitorId("ada");
const view = (eventId: string, actor = ada) => track(actor, eventOf({ eventId, occurredMs: END_MS - 1_000 }));
const named = (eventId: string, email: string, actor = ada) =>
  identify([identifier("email", email)], actor, { eventId, occurredMs: END_MS - 1_000 });

function count(house: EngineHouse, table: string): number {
  return house.database.query<{ count: number }, []>(`select count(*) as count from "${table}"`).get()?.count ?? 0;
}

function scores(house: EngineHouse): number[] {
  const rows = house.database.query<{ score: number }, []>("select score from intent_score order by person_id");
  return rows.all().map(({ score }) => score);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof AppError ? error.code : String(error);
}

describe("what arrives in one turn of the event loop", () => {
  test("is one transaction, and every reply comes after its commit", async () => {
    using house = openEngine(neverFalls);
    const seen: number[] = [];
    const submissions = Array.from({ length: 64 }, (_, index) =>
      house.submit([view(`e-${index}`, visitorId(`v-${index}`))]).then(() => seen.push(count(house, "event"))),
    );
    expect(count(house, "event")).toBe(0);
    await Promise.all(submissions);
    expect(house.transactions()).toBe(1);
    expect(seen).toEqual(Array(64).fill(64));
    await house.submit([view("later")]);
    expect(house.transactions()).toBe(2);
  });

  test("is answered in its order, each sender with its own", async () => {
    using house = openEngine(neverFalls);
    const replies: string[] = [];
    const submissions = [
      [view("a"), view("b")],
      [],
      [view("a"), view("c")],
      [named("i", "ada@acme.example")],
      [view("d")],
    ];
    const outcomes = await Promise.all(
      submissions.map(async (commands, index) => {
        const told = await house.submit(commands);
        replies.push(String(index));
        return told.map((outcome) => (outcome instanceof AppError ? outcome.code : outcome.status));
      }),
    );
    expect(outcomes).toEqual([["accepted", "accepted"], [], ["duplicate", "accepted"], ["identified"], ["accepted"]]);
    expect(replies).toEqual(["0", "1", "2", "3", "4"]);
    expect(scores(house)).toEqual([34]);
  });

  test("is spread over several transactions when it is much", async () => {
    using house = openEngine(neverFalls);
    const submissions = Array.from({ length: 5 }, (_, batch) =>
      house.submit(Array.from({ length: 400 }, (_, index) => view(`e-${batch}-${index}`))),
    );
    const outcomes = (await Promise.all(submissions)).flat();
    expect(outcomes.every((outcome) => !(outcome instanceof AppError) && outcome.status === "accepted")).toBe(true);
    expect(house.transactions()).toBe(3);
    expect(count(house, "event")).toBe(2_000);
  });

  test("is told as signals once it can be read", async () => {
    const readable: number[] = [];
    using house = openEngine(neverFalls, { onSignals: () => readable.push(count(house, "signal")) });
    await house.submit([view("a"), view("b"), view("c"), view("d")]);
    expect(house.signals.map(({ threshold }) => threshold.name)).toEqual(["warm"]);
    expect(readable).toEqual([1]);
  });

  test("is waited for by drain", async () => {
    using house = openEngine(neverFalls);
    await house.engine.drain();
    const submissions = Array.from({ length: 5 }, (_, batch) =>
      house.submit(Array.from({ length: 400 }, (_, index) => view(`e-${batch}-${index}`))),
    );
    await house.engine.drain();
    expect(count(house, "event")).toBe(2_000);
    await Promise.all(submissions);
  });
});

const before =
  <Given extends unknown[], Result>(fail: () => void, method: (...given: Given) => Result) =>
  (...given: Given): Result => {
    fail();
    return method(...given);
  };

const after =
  <Given extends unknown[], Result>(fail: () => void, method: (...given: Given) => Result) =>
  (...given: Given): Result => {
    const result = method(...given);
    fail();
    return result;
  };

describe("a store that fails", () => {
  const failingAt: [string, (store: LoopStore, fail: () => void) => Partial<LoopStore>][] = [
    ["at the beginning", ({ transact }, fail) => ({ transact: (work) => before(fail, () => transact(work))() })],
    ["while it loads", ({ loadForTracking }, fail) => ({ loadForTracking: before(fail, loadForTracking) })],
    ["before it writes", ({ apply }, fail) => ({ apply: before(fail, apply) })],
    ["after it wrote", ({ apply }, fail) => ({ apply: after(fail, apply) })],
    ["at the signals", ({ insertSignals }, fail) => ({ insertSignals: after(fail, insertSignals) })],
    ["at the refused", ({ insertRejected }, fail) => ({ insertRejected: after(fail, insertRejected) })],
    ["at the commit", ({ transact }, fail) => ({ transact: (work) => transact(after(fail, work)) })],
  ];
  test.each(failingAt)(
    "%s: nothing of that transaction is stored, and all of it can be sent again",
    async (_, wrap) => {
      let isBroken = false;
      const fail = (): void => {
        if (isBroken) throw diskGone();
      };
      using house = openEngine(neverFalls, { wrapStore: (store) => ({ ...store, ...wrap(store, fail) }) });
      const bob = visitorId("bob");
      await house.submit([view("a"), view("x", bob)]);
      isBroken = true;
      const again = [view("b"), view("c"), view("d")];
      expect(await Promise.all([codeOf(house.submit(again)), codeOf(house.submit([view("y", bob)]))])).toEqual([
        "unavailable",
        "unavailable",
      ]);
      expect(house.faults).toHaveLength(1);
      expect([count(house, "event"), count(house, "signal"), house.signals.length]).toEqual([2, 0, 0]);
      expect(house.database.inTransaction).toBe(false);
      isBroken = false;
      const outcomes = await house.submit([...again, view("y", bob)]);
      expect(outcomes.map((outcome) => !(outcome instanceof AppError) && outcome.status)).toEqual(
        Array(4).fill("accepted"),
      );
      expect(scores(house)).toEqual([34, 24]);
      expect(house.signals.map(({ threshold }) => threshold.name)).toEqual(["warm", "warm"]);
    },
  );

  test("because the disk is full: what was there stays, and it goes on when there is room", async () => {
    using house = openEngine(neverFalls);
    await house.submit([view("a")]);
    const pages = house.database.query<{ page_count: number }, []>("pragma page_count").get()?.page_count ?? 0;
    house.database.run(`pragma max_page_count = ${pages}`);
    const large = track(ada, {
      ...eventOf({ eventId: "b", occurredMs: END_MS }),
      properties: { text: "x".repeat(1_000_000) },
    });
    expect(await codeOf(house.submit([large]))).toBe("disk_full");
    house.database.run("pragma max_page_count = 1000000");
    expect(await house.submit([large])).toMatchObject([{ status: "accepted", score: 24 }]);
    expect(count(house, "event")).toBe(2);
  });

  test("at an identify: the merge is whole or not at all", async () => {
    let isBroken = false;
    using house = openEngine(neverFalls, {
      wrapStore: (store) => ({
        ...store,
        apply: (changes) => {
          store.apply(changes);
          if (isBroken) throw diskGone();
        },
      }),
    });
    const bob = visitorId("bob");
    await house.submit([view("a"), view("b", bob)]);
    await house.submit([named("i", "ada@acme.example")]);
    isBroken = true;
    expect(await codeOf(house.submit([named("j", "ada@acme.example", bob)]))).toBe("unavailable");
    expect([count(house, "merge"), scores(house)]).toEqual([0, [19, 12]]);
    isBroken = false;
    const [outcome] = await house.submit([named("j", "ada@acme.example", bob)]);
    expect(outcome).toMatchObject({ status: "identified", isMerged: true });
    expect(count(house, "merge")).toBe(1);
    expect(await house.submit([view("c", bob)])).toMatchObject([{ status: "accepted" }]);
    expect(scores(house)).toHaveLength(1);
  });
});

test("a command that cannot be decided fails by itself", async () => {
  using house = openEngine(neverFalls, {
    wrapRules: (rules) => ({
      ...rules,
      matching: (event, touch) => {
        if (event.name === "poison") throw new Error("cannot be decided");
        return rules.matching(event, touch);
      },
    }),
  });
  const poison = track(ada, eventOf({ eventId: "p", occurredMs: END_MS, name: "poison" }));
  const [before, other] = await Promise.all([
    house.submit([view("a"), poison, view("b"), named("i", "ada@acme.example"), poison]),
    house.submit([view("c")]),
  ]);
  expect(before.map((outcome) => (outcome instanceof AppError ? outcome.code : outcome.status))).toEqual([
    "accepted",
    "internal",
    "accepted",
    "identified",
    "internal",
  ]);
  expect(other).toMatchObject([{ status: "accepted" }]);
  expect(house.faults).toHaveLength(2);
  expect(house.transactions()).toBe(1);
  expect(count(house, "event")).toBe(4);
  expect(scores(house)).toEqual([29]);
});

test("more than may wait is refused at once, and taken when there is room again", async () => {
  let isBroken = true;
  using house = openEngine(neverFalls, {
    // Fails fast, so that fifty thousand commands need not be stored.
    wrapStore: (store) => ({
      ...store,
      transact: (work) => {
        if (isBroken) throw diskGone();
        return store.transact(work);
      },
    }),
  });
  const batch = Array.from({ length: 1_000 }, (_, index) => view(`e-${index}`));
  const waiting = Array.from({ length: 50 }, () => codeOf(house.submit(batch)));
  expect(await codeOf(house.submit([view("one too many")]))).toBe("overloaded");
  expect(await codeOf(house.submit(batch))).toBe("overloaded");
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["unavailable"]));
  isBroken = false;
  expect(await house.submit([view("one too many")])).toMatchObject([{ status: "accepted" }]);
});

describe("ids", () => {
  const ID_COLUMNS = [
    ["person", "person_id"],
    ["identity", "identity_id"],
    ["signal", "signal_id"],
    ["merge", "merge_id"],
    ["account", "account_id"],
  ] as const;
  const ids = (house: EngineHouse): number[] =>
    ID_COLUMNS.flatMap(([table, column]) =>
      house.database
        .query<{ id: number }, []>(`select ${column} as id from "${table}"`)
        .all()
        .map(({ id }) => id),
    );
  const visit = async (house: EngineHouse, round: string): Promise<number[]> => {
    const before = new Set(ids(house));
    const people = Array.from({ length: 20 }, (_, index) => visitorId(`${round}-${index}`));
    await house.submit([
      ...people.flatMap((actor) => Array.from({ length: 5 }, (_, index) => view(`${actor.value}-${index}`, actor))),
      ...people.map((actor) => named(`${actor.value}-i`, `${round}@${round}.example`, actor)),
    ]);
    return ids(house).filter((id) => !before.has(id));
  };

  test("never repeat and always grow, whatever the clock does, also across restarts", async () => {
    using house = openEngine(neverFalls);
    const jumps: [string, number][] = [
      ["now", 0],
      ["same", 0],
      ["back", -3_600_000],
      ["far-back", -365 * 86_400_000],
      ["forward", 7_200_000],
      ["back-again", 0],
    ];
    let highest = 0;
    for (const [round, offsetMs] of jumps) {
      house.clock.nowMs = END_MS + offsetMs;
      const fresh = await visit(house, round);
      expect(new Set(fresh).size).toBe(fresh.length);
      expect(Math.min(...fresh)).toBeGreaterThan(highest);
      highest = Math.max(...fresh);
      house.restart();
    }
    expect(Number.isSafeInteger(highest)).toBe(true);
  });
});

test("what somebody else holds for a moment is waited for, and the event loop goes on meanwhile", async () => {
  using house = openEngine(neverFalls);
  const other = new Database(house.database.filename);
  other.run("begin immediate");
  let turns = 0;
  const waiting = house.submit([view("a")]);
  while (turns < 10) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  other.run("rollback");
  other.close();
  expect(await waiting).toMatchObject([{ status: "accepted" }]);
  expect(house.faults).toEqual([]);
});

describe("what administers", () => {
  /** Holds the file for so many turns of the event loop. */
  async function holding(house: EngineHouse, work: () => Promise<unknown>): Promise<unknown> {
    const other = new Database(house.database.filename);
    other.run("begin immediate");
    const waiting = work();
    for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    other.run("rollback");
    other.close();
    return waiting;
  }
  const note = (house: EngineHouse) =>
    house.engine.administer(() => house.database.run("insert into suppression values (?, 1)", ["hash"]));

  test("waits for what somebody else holds for a moment, and does it once", async () => {
    using house = openEngine(neverFalls);
    await holding(house, () => note(house));
    expect([count(house, "suppression"), house.faults]).toEqual([1, []]);
  });

  test("is waited for by drain", async () => {
    using house = openEngine(neverFalls);
    let isDone = false;
    await holding(house, () => {
      void note(house).then(() => (isDone = true));
      return house.engine.drain();
    });
    expect([isDone, count(house, "suppression")]).toEqual([true, 1]);
  });

  test("fails where the file stays held for seconds, and leaves the fault to the door, which knows the request", async () => {
    let tries = 0;
    using house = openEngine(neverFalls, {
      wrapStore: (store) => ({
        ...store,
        administer: () => {
          tries += 1;
          throw Object.assign(new Error("held"), { code: "SQLITE_BUSY" });
        },
      }),
    });
    const beganMs = performance.now();
    const fault = await house.engine.administer(() => undefined).catch((error: unknown) => error);
    expect(storageRefusal(fault)?.code).toBe("unavailable");
    expect(performance.now() - beganMs).toBeGreaterThan(4_000);
    expect([tries, house.faults.length]).toEqual([101, 0]);
  }, 15_000);

  test("tells what went wrong inside as it was said, at once", async () => {
    using house = openEngine(neverFalls);
    const refuse = () => {
      throw new AppError("not_found", "nobody");
    };
    expect(await codeOf(house.engine.administer(refuse))).toBe("not_found");
    expect([house.faults, house.database.inTransaction]).toEqual([[], false]);
  });
});

test("a row that cannot be written takes no neighbour of its turn with it", async () => {
  using house = openEngine(neverFalls, {
    wrapStore: (store) => ({
      ...store,
      apply: (changes) => {
        if (changes.some(({ events }) => events.some(({ eventId }) => eventId === "poison"))) throw new Error("no row");
        store.apply(changes);
      },
    }),
  });
  const answers = [house.submit([view("a")]), codeOf(house.submit([view("poison")])), house.submit([view("b")])];
  expect(await Promise.all(answers)).toMatchObject([[{ status: "accepted" }], "internal", [{ status: "accepted" }]]);
  expect(count(house, "event")).toBe(2);
});

test("one that is tried again by itself, and finds the file held, is answered all the same", async () => {
  const troubles = [new Error("no row"), Object.assign(new Error("held"), { code: "SQLITE_BUSY" })];
  using house = openEngine(neverFalls, {
    wrapStore: (store) => ({
      ...store,
      transact: (work) => {
        const trouble = troubles.shift();
        if (trouble !== undefined) throw trouble;
        return store.transact(work);
      },
    }),
  });
  const answers = [house.submit([view("a")]), house.submit([view("b")])];
  expect(await Promise.all(answers)).toMatchObject([[{ status: "accepted" }], [{ status: "accepted" }]]);
  expect(count(house, "event")).toBe(2);
});
