const PREFIX = "do_intent_";
const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const COMMANDS_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What is counted as it happens. Plain calls that cost well below a microsecond: the hot path makes three of them. */
export type Metrics = {
  countRequest(method: string, route: string, status: number): void;
  countEvents(outcome: string, count: number): void;
  countSignal(threshold: string): void;
  /** A frame that came over a socket, by the status it was answered with. */
  countFrame(status: number): void;
  observeTransaction(commands: number, durationMs: number): void;
  /** Everything, with what is measured only now. */
  render(measured: readonly Measured[]): string;
};

type Labels = { readonly [label: string]: string };

/** A number that is looked up when somebody asks. */
export type Measured = { name: string; help: string; values: readonly { value: number; labels?: Labels }[] };

type Counts = Map<string, { labels: Labels; value: number }>;

/**
 * In Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. Written here: the library for
 * it took twenty milliseconds of every start, also of commands that count nothing.
 */
export function createMetrics(): Metrics {
  const requests: Counts = new Map();
  const events: Counts = new Map();
  const signals: Counts = new Map();
  const frames: Counts = new Map();
  const seconds = createHistogram(SECONDS_BUCKETS);
  const commands = createHistogram(COMMANDS_BUCKETS);
  return {
    countRequest: (method, route, status) => {
      count(requests, `${method} ${route} ${status}`, 1, () => ({ method, route, status: String(status) }));
    },
    countEvents: (outcome, number) => count(events, outcome, number, () => ({ outcome })),
    countSignal: (threshold) => count(signals, threshold, 1, () => ({ threshold })),
    countFrame: (status) => count(frames, String(status), 1, () => ({ status: String(status) })),
    observeTransaction: (taken, durationMs) => {
      seconds.observe(durationMs / 1_000);
      commands.observe(taken);
    },
    render: (measured) =>
      [
        family("requests_total", "counter", "Requests answered, by route and status.", samplesOf(requests.values())),
        family("events_total", "counter", "Events by what became of them.", samplesOf(events.values())),
        family("signals_total", "counter", "Crossings of a threshold.", samplesOf(signals.values())),
        family(
          "live_frames_total",
          "counter",
          "Frames over sockets, by the status of the answer.",
          samplesOf(frames.values()),
        ),
        family(
          "transaction_seconds",
          "histogram",
          "Time of a transaction of the loop, the wait for the disk included.",
          seconds.samples(),
        ),
        family("transaction_commands", "histogram", "Commands that one transaction took in.", commands.samples()),
        ...measured.map(({ name, help, values }) => family(name, "gauge", help, samplesOf(values))),
      ].join("\n"),
  };
}

function count(counts: Counts, key: string, number: number, labelsOf: () => Labels): void {
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { labels: labelsOf(), value: number });
  else known.value += number;
}

/** Observations by the smallest bucket that holds them; on the wire each bucket has those below it too. */
function createHistogram(bounds: readonly number[]) {
  const held = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    observe: (value: number): void => {
      const found = bounds.findIndex((bound) => value <= bound);
      const bucket = found < 0 ? bounds.length : found;
      held[bucket] = (held[bucket] ?? 0) + 1;
      sum += value;
    },
    samples: (): Sample[] => {
      let total = 0;
      const buckets = held.map((number, bucket) => {
        total += number;
        return { suffix: "_bucket", labels: { le: String(bounds[bucket] ?? "+Inf") }, value: total };
      });
      return [...buckets, { suffix: "_sum", labels: {}, value: sum }, { suffix: "_count", labels: {}, value: total }];
    },
  };
}

type Sample = { suffix: string; labels: Labels; value: number };

function samplesOf(values: Iterable<{ value: number; labels?: Labels }>): Sample[] {
  return [...values].map(({ value, labels = {} }) => ({ suffix: "", labels, value }));
}

function family(
  name: string,
  type: "counter" | "gauge" | "histogram",
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.map(({ suffix, labels, value }) => `${PREFIX}${name}${suffix}${labelText(labels)} ${value}`);
  return [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`, ...lines, ""].join("\n");
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
