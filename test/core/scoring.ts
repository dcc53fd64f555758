import type { Scoring } from "../../src/core/rules.ts";

/** A config in which every kind of rule stands once, alone and together with caps, so that none hides another. */
export const everyKindOfRule: Scoring = {
  page_classes: { pricing: ["/pricing*"], careers: ["/careers*"] },
  groups: {
    recency: { max: 15 },
    engagement: { max: 25 },
    intent: { max: 60 },
    fit: { max: 20 },
  },
  rules: [
    { name: "last_seen", group: "recency", event: "*", points: 12, half_life: "2d", keep: "latest" },
    { name: "views", group: "engagement", event: "page_view", points: 2, half_life: "7d", max: 16 },
    { name: "visits", group: "engagement", event: "*", points: 4, half_life: "20d", per_session: 1 },
    {
      name: "pricing",
      group: "intent",
      event: "page_view",
      when: { page_class: "pricing" },
      points: 8,
      half_life: "3d",
      per_session: 2,
    },
    { name: "forms", group: "intent", event: "form_submit", points: 9, max: 30 },
    { name: "demo", group: "intent", event: "demo", points: 20, half_life: "5d", once: true },
    { name: "steps", group: "intent", event: ["form_submit", "demo"], points: 3, per_session: 3 },
    { name: "careers", group: "fit", event: "page_view", when: { page_class: "careers" }, points: -6, half_life: "9d" },
    { name: "leaves", group: "fit", event: "leave", points: -11, per_session: 1 },
    { name: "signup", group: "fit", event: "signup", points: 14, once: true },
  ],
  thresholds: { warm: 20, hot: 40, burning: { score: 60, rearm: 30 } },
};

/** Only adds and never forgets: in here a level that was reached once must never be signalled again. */
export const neverFalls: Scoring = {
  page_classes: { pricing: ["/pricing*"] },
  groups: { all: { max: 100 } },
  rules: [
    { name: "views", group: "all", event: "page_view", points: 5 },
    { name: "visits", group: "all", event: "*", points: 7, per_session: 2 },
    { name: "signup", group: "all", event: "signup", points: 15, once: true },
  ],
  thresholds: { warm: 20, hot: 40, burning: 80 },
};
