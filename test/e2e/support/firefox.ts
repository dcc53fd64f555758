import { existsSync } from "node:fs";
import { type Driven, openWire, startDriven, type Tab } from "./driven.ts";
import type { Kind } from "./stage.ts";

const executablePath = "/usr/bin/firefox-esr";
const preferences = {
  "app.normandy.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  // With the last tab of a site it ends the process, and stops a script at any point: a test of its own is about that.
  "dom.abort_script_on_child_shutdown": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "http://127.0.0.1:9/none",
};

/** Whether there is one, or could be made one: it is Debian's, and only root may install it. */
export function hasFirefox(): boolean {
  if (!existsSync(executablePath) && process.getuid?.() === 0) {
    Bun.spawnSync(["apt-get", "install", "-y", "--no-install-recommends", "firefox-esr"], {
      stdout: "ignore",
      stderr: "ignore",
    });
  }
  return existsSync(executablePath);
}

/** Firefox through the WebDriver BiDi that it brings along. */
export async function startFirefox(wanted: Record<string, boolean | number> = {}): Promise<Driven> {
  const lines = Object.entries({ ...preferences, ...wanted }).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  const program = await startDriven(executablePath, "user.js", lines.join("\n"), (profile) => [
    "--headless",
    "--no-remote",
    "--profile",
    profile,
    "--remote-debugging-port",
    "0",
  ]);
  const { send, close } = await openWire(`${program.address}/session`);
  await send("session.new", { capabilities: {} });

  async function openTab(userContext: string, background: boolean): Promise<Tab> {
    const asked = { type: "tab", userContext, background };
    const { context } = await send<{ context: string }>("browsingContext.create", asked);
    return {
      goto: (url) => send("browsingContext.navigate", { context, url, wait: "complete" }),
      back: () => send("browsingContext.traverseHistory", { context, delta: -1 }),
      show: () => send("browsingContext.activate", { context }),
      setOffline: (offline) =>
        send("emulation.setNetworkConditions", {
          networkConditions: offline ? { type: "offline" } : null,
          contexts: [context],
        }),
      close: () => send("browsingContext.close", { context }),
      async evaluate(expression) {
        type Evaluated = { result: { value?: unknown }; exceptionDetails?: { text: string } };
        const { result, exceptionDetails } = await send<Evaluated>("script.evaluate", {
          expression,
          target: { context },
          awaitPromise: true,
        });
        if (exceptionDetails) throw new Error(exceptionDetails.text);
        return result.value;
      },
    };
  }

  return {
    async guest() {
      const { userContext } = await send<{ userContext: string }>("browser.createUserContext");
      const partition = { type: "storageKey", userContext };
      type Cookie = { name: string; value: { value: string }; domain: string; sameSite: string };
      return {
        tab: (where) => openTab(userContext, where === "behind"),
        cookies: async () =>
          (await send<{ cookies: Cookie[] }>("storage.getCookies", { partition })).cookies.map((cookie) => ({
            ...cookie,
            value: cookie.value.value,
          })),
        clearCookies: () => send("storage.deleteCookies", { partition }),
        leave: () => send("browser.removeUserContext", { userContext }),
      };
    },
    crash: () => program.kill(/-contentproc.*\btab\b/s),
    async close() {
      close();
      await program.close();
    },
  };
}

export const firefox: Kind = {
  boundsBeacons: false,
  start: () => startFirefox(),
  withoutCookies: () => startFirefox({ "network.cookie.cookieBehavior": 2 }),
  withGlobalPrivacyControl: () => startFirefox({ "privacy.globalprivacycontrol.enabled": true }),
  withDoNotTrack: () => startFirefox({ "privacy.donottrackheader.enabled": true }),
};
