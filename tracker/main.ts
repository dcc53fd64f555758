const origin = new URL((document.currentScript as HTMLScriptElement).src).origin;

function stored(storage: Storage, key: string): string {
  const value = storage.getItem(key) ?? crypto.randomUUID();
  storage.setItem(key, value);
  return value;
}

function track(event: string, metadata: Record<string, unknown> = {}): void {
  const body = {
    events: [
      {
        event,
        event_id: crypto.randomUUID(),
        anonymous_id: stored(localStorage, "_di"),
        session_id: stored(sessionStorage, "_dis"),
        url: location.href,
        referrer: document.referrer,
        timestamp: Date.now(),
        metadata,
      },
    ],
    sent_at: Date.now(),
  };
  void fetch(`${origin}/v1/e`, { method: "POST", body: JSON.stringify(body), keepalive: true });
}

function identify(identity: Record<string, unknown>): void {
  const body = { anonymous_id: stored(localStorage, "_di"), identity };
  void fetch(`${origin}/identify`, { method: "POST", body: JSON.stringify(body), keepalive: true });
}

Object.assign(window, { doIntent: { track, identify } });
track("page_view", { title: document.title });
