import { ensureProgram } from "../../support/program.ts";
import { type Driven, openWire, startDriven, type Tab } from "./driven.ts";
import type { Kind } from "./stage.ts";
import { until } from "./until.ts";

export const executablePath = "/usr/bin/chromium";
export const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// A visitor of flesh and blood has neither the flag nor the word in the name.
export const human = "--disable-blink-features=AutomationControlled";
export const userAgent =
  "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

/** Chromium that nobody looks into, because it prerenders nothing while somebody does; its page drives itself. */
export function startPlainChromium(args: readonly string[], settings: object = {}) {
  ensureProgram("chromium");
  return startDriven(executablePath, "Default/Preferences", JSON.stringify(settings), (profile) => [
    ...flags,
    human,
    `--user-agent=${userAgent}`,
    `--user-data-dir=${profile}`,
    "--remote-debugging-port=0",
    ...args,
  ]);
}

/**
 * Chromium by its own protocol and nothing else, because playwright tells every page that it is in sight and in focus. The
 * settings are those that it writes into a profile itself.
 */
async function startChromium(settings: object = {}, args: readonly string[] = []): Promise<Driven> {
  const program = await startPlainChromium(args, settings);
  const wire = await openWire(program.address);

  async function openTab(browserContextId: string, background: boolean): Promise<Tab> {
    const { targetId } = await wire.send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
      browserContextId,
      background,
    });
    const attach = { targetId, flatten: true };
    const { sessionId } = await wire.send<{ sessionId: string }>("Target.attachToTarget", attach);
    const send = <Result>(method: string, params: object = {}) => wire.send<Result>(method, params, { sessionId });
    type Evaluated = { result: { value?: unknown }; exceptionDetails?: { exception?: { description?: string } } };

    async function evaluate(expression: string): Promise<unknown> {
      const asked = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await send<Evaluated>("Runtime.evaluate", asked);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? "it threw");
      return result.value;
    }

    return {
      async goto(url) {
        const { loaderId, errorText } = await send<{ loaderId: string; errorText?: string }>("Page.navigate", { url });
        if (errorText) throw new Error(`${url}: ${errorText}`);
        await until(`${url} to be loaded`, async () => {
          const { frameTree } = await send<{ frameTree: { frame: { loaderId: string } } }>("Page.getFrameTree");
          return frameTree.frame.loaderId === loaderId && (await evaluate("document.readyState === 'complete'"));
        });
      },
      evaluate,
      back: () => evaluate("history.back()").then(() => {}),
      show: () => wire.send("Target.activateTarget", { targetId }),
      async setOffline(offline) {
        await send("Network.enable");
        const conditions = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
        await send("Network.emulateNetworkConditions", conditions);
      },
      close: () => wire.send("Target.closeTarget", { targetId }),
    };
  }

  return {
    async guest() {
      const created = await wire.send<{ browserContextId: string }>("Target.createBrowserContext");
      return {
        tab: (where) => openTab(created.browserContextId, where === "behind"),
        cookies: async () =>
          (
            await wire.send<{ cookies: { name: string; value: string; domain: string; sameSite: string }[] }>(
              "Storage.getCookies",
              created,
            )
          ).cookies,
        clearCookies: () => wire.send("Storage.clearCookies", created),
        leave: () => wire.send("Target.disposeBrowserContext", created),
      };
    },
    crash: () => program.kill(/--type=renderer/),
    async close() {
      wire.close();
      await program.close();
    },
  };
}

/** What a visitor may choose, by the names of the profile; for Global Privacy Control there is a switch of the program only. */
export const chromium: Kind = {
  boundsBeacons: true,
  start: () => startChromium(),
  withoutCookies: () => startChromium({ profile: { default_content_setting_values: { cookies: 2 } } }),
  withGlobalPrivacyControl: () => startChromium({}, ["--enable-features=GlobalPrivacyControlForce"]),
  withDoNotTrack: () => startChromium({ enable_do_not_track: true }),
};
