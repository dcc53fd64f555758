import { readFile } from "node:fs/promises";
import { NotSendable } from "./interface.ts";

type Environment = { readonly [name: string]: string | undefined };

/** Read at each sending, so that a rotated secret holds at once and none lies in memory longer than it takes. */
export async function readSecret(reference: string, environment: Environment): Promise<string> {
  if (reference.startsWith("env:")) {
    const value = environment[reference.slice("env:".length)];
    return value === undefined || value === "" ? missing(`${reference} is not set`) : value;
  }
  if (!reference.startsWith("file:")) return reference;
  try {
    return (await readFile(reference.slice("file:".length), "utf8")).trim();
  } catch {
    return missing(`${reference} cannot be read`);
  }
}

function missing(what: string): never {
  throw new NotSendable({ status: null, body: `the secret ${what}`, retryAfter: null });
}

/** All headers with references in their values resolved. */
export async function readHeaders(
  headers: { [name: string]: string } | undefined,
  secret: (reference: string) => Promise<string>,
): Promise<{ [name: string]: string }> {
  if (headers === undefined) return {};
  const entries = Object.entries(headers).map(
    async ([name, value]): Promise<[string, string]> => [name.toLowerCase(), await secret(value)],
  );
  return Object.fromEntries(await Promise.all(entries));
}
