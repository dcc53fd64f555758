import { Elysia } from "elysia";
import { documented } from "../../http/document.ts";
import type { Keys } from "../../http/keys.ts";
import { METRICS_TYPE, type Measured, type Metrics } from "../../http/metrics.ts";
import { type HouseNumbers, measure } from "./measure.ts";

export type MetricsDeps = { keys: Keys; metrics: Metrics; numbers: HouseNumbers };

/** What Prometheus scrapes, with a key that may read. */
export function metricsRoutes({ keys, metrics, numbers }: MetricsDeps) {
  return new Elysia({ name: "metrics" })
    .onBeforeHandle(({ request }) => void keys.require(request.headers, "read"))
    .get(
      "/metrics",
      async ({ set }) => {
        set.headers["content-type"] = METRICS_TYPE;
        const measured: Measured[] = await measure(numbers);
        return metrics.render(measured);
      },
      documented({
        topic: "Running it",
        summary: "What Prometheus scrapes",
        access: "read",
        answer: { type: "text/plain", description: "counters, histograms and gauges in Prometheus' text format" },
      }),
    );
}
