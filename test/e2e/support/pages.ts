export type Page = { html: string; headers?: Record<string, string>; type?: string };

/** A web server whose pages the tests write; it answers under every name of this machine. */
export function startPages() {
  const pages = new Map<string, Page>();
  const asked: { path: string; headers: Headers }[] = [];
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      const path = new URL(request.url).pathname;
      const page = pages.get(path);
      asked.push({ path, headers: new Headers(request.headers) });
      if (!page) return new Response("nothing here", { status: 404 });
      return new Response(page.html, {
        headers: { "content-type": page.type ?? "text/html; charset=utf-8", ...page.headers },
      });
    },
  });
  return {
    port: server.port ?? 0,
    asked,
    put: (path: string, page: Page) => pages.set(path, page),
    close: () => server.stop(true),
  };
}
