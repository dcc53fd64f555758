import { attributionData } from "./channel.ts";
import type { Circumstances } from "./circumstances.ts";
import type { Event } from "./event.ts";
import { evaluate } from "./score.ts";
import { MAGNET_PREFIX, type Signal, signalOf } from "./signal.ts";
import type { IntentScore } from "./state.ts";
import { levelOf, type ThresholdStates } from "./threshold.ts";

/** Somebody asked for a lead magnet. */
export type MagnetRequest = { slug: string; title: string };

/**
 * The lead, told once per person and magnet: it is remembered where the thresholds are, which a merge combines so that
 * what either side has told stays told, and never re-arms, since no score belongs to it, but where an undone merge shows that this one never asked.
 */
export function requestOnce(
  score: IntentScore,
  scoreBefore: number,
  { slug, title }: MagnetRequest,
  { rules, nowMs, mintId }: Circumstances,
): { score: IntentScore; signals: Signal[] } {
  const name = MAGNET_PREFIX + slug;
  const before = Object.hasOwn(score.thresholds, name) ? score.thresholds[name] : undefined;
  if (before?.isArmed === false) return { score, signals: [] };
  const epoch = (before?.epoch ?? 0) + 1;
  const evaluation = evaluate(score.sums, rules, nowMs);
  const signal = signalOf(
    { signalId: mintId(), personId: score.personId, threshold: { name, score: 0 }, epoch },
    evaluation,
    scoreBefore,
    attributionData(score.attribution, rules.channelOf),
    rules,
    nowMs,
  );
  return {
    score: { ...score, thresholds: { ...score.thresholds, [name]: { epoch, isArmed: false } } },
    signals: [{ ...signal, magnet: { slug, title, level: levelOf(evaluation.score, rules.thresholds) } }],
  };
}

/** What one side of an undone merge has told of magnets: only what it asked for itself keeps it from being a lead. */
export function requestsOfSide(
  told: ThresholdStates,
  logged: readonly { score: { thresholds: ThresholdStates } }[],
  events: readonly Pick<Event, "properties">[],
): ThresholdStates {
  const own = new Set([
    ...logged.flatMap(({ score }) => Object.keys(score.thresholds)),
    ...events.map(({ properties }) => MAGNET_PREFIX + String(properties.magnet)),
  ]);
  const entries = Object.entries(told).map(([name, state]): [string, ThresholdStates[string]] => {
    const isOthers = name.startsWith(MAGNET_PREFIX) && !own.has(name);
    return [name, isOthers ? { ...state, isArmed: true } : state];
  });
  return Object.fromEntries(entries);
}
