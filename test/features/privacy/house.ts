import { type Answer, SECRET_KEY, type TestInstance, withSecret } from "../../support/instance.ts";

export async function send<Body>(instance: TestInstance, method: string, path: string): Promise<Answer<Body>> {
  const response = await instance.app.handle(new Request(`http://localhost${path}`, { method, headers: withSecret }));
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Body };
}

export const KEY_ID = `key_${new Bun.CryptoHasher("sha256").update(SECRET_KEY).digest("hex").slice(0, 12)}`;
