/** Visitors at their business: ids as the tracker makes them, pages as a site has them. */
const PAGES = ["/", "/pricing", "/product", "/blog/one", "/docs/start", "/demo", "/about", "/customers/acme"];

export type Visitor = { anonymousId: string; sessionId: string };

export function createVisitors(count: number): Visitor[] {
  return Array.from({ length: count }, () => ({ anonymousId: Bun.randomUUIDv7(), sessionId: Bun.randomUUIDv7() }));
}

/** The same visitors and pages in every run, in an order without pattern. */
export function pageView({ anonymousId, sessionId }: Visitor, index: number): object {
  return {
    event: "page_view",
    event_id: Bun.randomUUIDv7(),
    anonymous_id: anonymousId,
    session_id: sessionId,
    url: `https://www.example.com${PAGES[(index * 7 + 3) % PAGES.length]}`,
    referrer: "https://www.google.com/",
    timestamp: Date.now(),
    metadata: { title: "A page", viewport_width: 1440, viewport_height: 900, language: "en" },
  };
}

/** A walk over all visitors in which neighbours in time are strangers to each other. */
export function visitorAt(visitors: readonly Visitor[], index: number): Visitor {
  const visitor = visitors[(index * 7_919) % visitors.length];
  if (visitor === undefined) throw new Error("there are no visitors");
  return visitor;
}
