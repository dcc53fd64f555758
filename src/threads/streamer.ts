import type { Database } from "bun:sqlite";
import { compileRules } from "../core/compile.ts";
import { formatId } from "../core/id.ts";
import { exportCampaign } from "../features/campaigns/export.ts";
import { findCampaign } from "../features/campaigns/find.ts";
import { explainPerson } from "../features/people/explain.ts";
import { exportPerson } from "../features/privacy/person-export.ts";
import { gathered } from "../http/pieces.ts";
import { createCampaignReader } from "../store/sqlite/campaigns.ts";
import { openReadOnly } from "../store/sqlite/database.ts";
import { createReaders } from "../store/sqlite/readers.ts";
import { refusedBy } from "./refused.ts";
import type { StreamCall, StreamJob, StreamSaid } from "./streams.ts";

type Say = (said: StreamSaid, handOver: ArrayBuffer[]) => void;
type Begun = { head: unknown; pieces: Iterable<string> };

/** The far side of streams.ts: one stream at a time, and a piece of it for each that is asked for. */
export function createStreamer(say: Say): (call: StreamCall) => void {
  const encoder = new TextEncoder();
  let database: Database | null = null;
  let pieces: Iterator<string> | null = null;

  const close = (said: StreamSaid): void => {
    pieces = null;
    database?.close(false);
    database = null;
    say(said, []);
  };
  const begin = (job: StreamJob): void => {
    database = openReadOnly(job.dataFolder);
    const begun = open(job, database);
    const made = gathered(begun.pieces);
    // What cannot be begun is refused like anything else, before there is an answer.
    const first = made.next();
    pieces = onward(first.done === true ? [] : [first.value], made);
    say({ head: begun.head }, []);
  };
  const next = (): void => {
    if (pieces === null) return;
    const { value, done } = pieces.next();
    if (done === true) {
      close({ isThrough: true });
      return;
    }
    const piece = encoder.encode(value);
    say({ piece }, [piece.buffer]);
  };
  const stop = (): void => {
    if (pieces !== null) close({ isThrough: true });
  };
  return (call) => {
    try {
      if ("stream" in call) begin(call);
      else if (call.ask === "next") next();
      else stop();
    } catch (error) {
      close(refusedBy(error));
    }
  };
}

function* onward(first: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

function open({ stream, config, configHash, nowMs }: StreamJob, database: Database): Begun {
  if (stream.name === "person") {
    const rules = compileRules(config, configHash);
    const explain = (personId: number) => explainPerson(personId, null, nowMs, createReaders(database), rules);
    const { subject, pieces } = exportPerson(stream.said, database, explain, nowMs);
    return { head: subject, pieces };
  }
  const campaigns = createCampaignReader(database);
  const campaign = findCampaign(formatId("campaign", stream.campaignId), campaigns);
  const options = { publicUrl: config.public_url ?? null, isHashed: stream.isHashed };
  return { head: null, pieces: exportCampaign(campaign, campaigns, options) };
}
