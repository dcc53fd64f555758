import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../readme/tour.ts";
import { eventually } from "./eventually.ts";
import { temporaryFolder } from "./folder.ts";

/** For tests that are left out without it. */
export const hasCaddy = Bun.which("caddy") !== null;
if (!hasCaddy) console.warn("there is no caddy here: tests behind it are left out");

export type Caddy = { port: number; ca: string; [Symbol.asyncDispose](): Promise<void> };

/** Debian's caddy with a page's Caddyfile, but for names: it answers as localhost, with a certificate that it makes itself. */
export async function startCaddy(caddyfile: string, upstream: string): Promise<Caddy> {
  const folder = temporaryFolder();
  const [port = 0] = await freePorts(1);
  const site = caddyfile
    .replace("intent.example.com {", `https://localhost:${port} {\n\ttls internal`)
    .replace("127.0.0.1:3000", upstream);
  const path = join(folder.path, "Caddyfile");
  writeFileSync(path, `{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n\n${site}\n`);
  const caddy = Bun.spawn(["caddy", "run", "--config", path], {
    env: { PATH: process.env.PATH, HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path },
    stdout: "ignore",
    stderr: "ignore",
  });
  const root = join(folder.path, "caddy/pki/authorities/local/root.crt");
  const certificate = await eventually(() => existsSync(root) && readFileSync(root, "utf8"), "caddy's certificate");
  await isUp(`https://localhost:${port}/ready`, certificate);
  return {
    port,
    ca: certificate,
    [Symbol.asyncDispose]: async () => {
      caddy.kill();
      await caddy.exited;
      folder[Symbol.dispose]();
    },
  };
}

async function isUp(url: string, ca: string): Promise<void> {
  let answered = 0;
  const ask = (): void =>
    void fetch(url, { tls: { ca } }).then(
      ({ status }) => {
        answered = status;
      },
      () => undefined,
    );
  await eventually(() => {
    ask();
    return answered === 200;
  }, "an answer through caddy");
}
