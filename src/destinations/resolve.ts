import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isPublicAddress } from "./address.ts";

/** All addresses of a name. */
export type Resolver = (host: string) => Promise<string[]>;

/** Addresses of one name that are tried when nobody takes the connection. */
const ADDRESSES_MAX = 3;

/**
 * The addresses that may be connected to. Callers connect to these very addresses and never to the name again: one that
 * changes its mind in between changes nothing. Throws with a reason when there is none.
 */
export async function addressesOf(
  host: string,
  { isPrivateAllowed, resolve = resolveAll }: { isPrivateAllowed: boolean; resolve?: Resolver | undefined },
): Promise<string[]> {
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  if (found.length === 0) throw new Error(`the name ${host} could not be resolved`);
  const allowed = isPrivateAllowed ? found : found.filter(isPublicAddress);
  if (allowed.length === 0) throw new Error(`${host} is not a public address; see allow_private`);
  return allowed.slice(0, ADDRESSES_MAX);
}

const resolveAll: Resolver = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);
