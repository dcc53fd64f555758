import { Counter, Gauge, Histogram, Registry } from "prom-client";

const PREFIX = "do_intent_";
const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const COMMANDS_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** What is counted as it happens. Plain calls that cost well below a microsecond: the hot path makes three of them. */
export type Metrics = {
  countRequest(method: string, route: string, status: number): void;
  countEvents(outcome: string, count: number): void;
  countSignal(threshold: string): void;
  observeTransaction(commands: number, durationMs: number): void;
  /** Everything in Prometheus' text format, what is measured only now included. */
  render(measured: readonly Measured[]): Promise<string>;
  contentType: string;
};

/** A number that is looked up when somebody asks. */
export type Measured = {
  name: string;
  help: string;
  values: readonly { value: number; labels?: { readonly [label: string]: string } }[];
};

type Counts = Map<string, { labels: { [label: string]: string }; count: number }>;

/** One registry per instance, so that tests and several data folders do not count into each other. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const requests: Counts = new Map();
  const events: Counts = new Map();
  const signals: Counts = new Map();
  const transactionSeconds = new Histogram({
    name: `${PREFIX}transaction_seconds`,
    help: "Time of a transaction of the loop, the wait for the disk included.",
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  });
  const transactionCommands = new Histogram({
    name: `${PREFIX}transaction_commands`,
    help: "Commands that one transaction took in.",
    buckets: COMMANDS_BUCKETS,
    registers: [registry],
  });
  counterOf(
    registry,
    "requests_total",
    "Requests answered, by route and status.",
    ["method", "route", "status"],
    requests,
  );
  counterOf(registry, "events_total", "Events by what became of them.", ["outcome"], events);
  counterOf(registry, "signals_total", "Crossings of a threshold.", ["threshold"], signals);
  return {
    countRequest: (method, route, status) => {
      count(requests, `${method} ${route} ${status}`, 1, () => ({ method, route, status: String(status) }));
    },
    countEvents: (outcome, number) => count(events, outcome, number, () => ({ outcome })),
    countSignal: (threshold) => count(signals, threshold, 1, () => ({ threshold })),
    observeTransaction: (commands, durationMs) => {
      transactionSeconds.observe(durationMs / 1_000);
      transactionCommands.observe(commands);
    },
    render: async (measured) => `${await registry.metrics()}\n${await renderMeasured(measured)}`,
    contentType: registry.contentType,
  };
}

/** A map of our own takes the counting: the library looks its labels up by hashing them anew each time. */
function counterOf(registry: Registry, name: string, help: string, labelNames: string[], counts: Counts): void {
  new Counter({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count: total } of counts.values()) this.inc(labels, total);
    },
  });
}

function count(counts: Counts, key: string, number: number, labelsOf: () => { [label: string]: string }): void {
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { labels: labelsOf(), count: number });
  else known.count += number;
}

/** Gauges live for one answer: nothing of a destination that was taken out of the config stays behind. */
function renderMeasured(measured: readonly Measured[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, values } of measured) {
    const labelNames = Object.keys(values[0]?.labels ?? {});
    const gauge = new Gauge({ name: PREFIX + name, help, labelNames, registers: [registry] });
    for (const { value, labels = {} } of values) gauge.set(labels, value);
  }
  return registry.metrics();
}
