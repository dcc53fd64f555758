import { expect, test } from "bun:test";
import { join } from "node:path";

const GIVEN = "sk_given_to_a_demo_that_takes_none";

test("the demo shows the key it made, with which its people are explained", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/main.ts"), "demo", "--port", "0"], {
    env: { ...process.env, DO_INTENT_SECRET_KEY: GIVEN },
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    let said = "";
    for await (const piece of child.stdout) {
      said += new TextDecoder().decode(piece);
      if (said.includes("origins")) break;
    }
    const [, url = ""] = /listens on (\S+)/.exec(said) ?? [];
    const [, key = ""] = /secret key +(sk_\S+)/.exec(said) ?? [];
    expect(said).not.toContain("as given");
    expect(key).not.toBe(GIVEN);
    await fetch(`${url}/track`, {
      method: "POST",
      body: JSON.stringify({ event: "page_view", anonymous_id: "ann", url: "/pricing" }),
    });
    const asked = (secret: string) =>
      fetch(`${url}/people/ann/explain`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await asked(key)).status).toBe(200);
    expect((await asked(GIVEN)).status).toBe(401);
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}, 30_000);
