import { attributionData } from "./channel.ts";
import type { Circumstances } from "./circumstances.ts";
import { evaluate } from "./score.ts";
import { MAGNET_PREFIX, type Signal, signalOf } from "./signal.ts";
import type { IntentScore } from "./state.ts";
import { levelOf } from "./threshold.ts";

/** Somebody asked for a lead magnet. */
export type MagnetRequest = { slug: string; title: string };

/**
 * The lead, told once per person and magnet: it is remembered where the thresholds are, which a merge combines so that
 * what either side has told stays told, and never re-arms, since no score belongs to it.
 */
export function requestOnce(
  score: IntentScore,
  scoreBefore: number,
  { slug, title }: MagnetRequest,
  { rules, nowMs, mintId }: Circumstances,
): { score: IntentScore; signals: Signal[] } {
  const name = MAGNET_PREFIX + slug;
  if (Object.hasOwn(score.thresholds, name)) return { score, signals: [] };
  const epoch = 1;
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
