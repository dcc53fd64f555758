import { AppError } from "../core/error.ts";

const KEY_RANDOM_BYTES = 24;
const KEY_ID_LENGTH = 12;
export const SECRET_KEY_PREFIX = "sk_";
export const WRITE_KEY_PREFIX = "wk_";

/** How long a key that was revoked elsewhere, such as from the command line, may still work here. */
const KEYS_READ_EVERY_MS = 1_000;
/** When a key was last used is good to know to the minute, and a write per request would cost more than it tells. */
const USE_NOTED_EVERY_MS = 60_000;

const BEARER_PATTERN = /^bearer +(\S+)$/i;
/** What browsers send along by themselves, such as a staging site's password, is not meant for us. */
const FOREIGN_PATTERN = /^(basic|digest|negotiate) /i;

export type KeyKind = "write" | "secret";

export function mintKey(prefix: typeof SECRET_KEY_PREFIX | typeof WRITE_KEY_PREFIX): string {
  return prefix + Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_RANDOM_BYTES))).toString("base64url");
}

/** How a key is called where it must not stand itself. */
export function keyIdOf(hash: string): string {
  return `key_${hash.slice(0, KEY_ID_LENGTH)}`;
}

export function hashKey(key: string): string {
  return new Bun.CryptoHasher("sha256").update(key).digest("hex");
}

/** What a secret key may do: bring events and vouch, read what is known, change and erase. */
export const SCOPES = ["ingest", "read", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** Whose key a request carries, as the audit names it. */
export type Caller = { keyId: string; scopes: readonly string[] };

/** A key that holds now, as it is stored. */
export type KnownKey = { kind: KeyKind; hash: string; scopes: readonly string[] };

/** Where the keys come from, and where it is kept that one was used. */
export type KeySource = { read(): readonly KnownKey[]; noteUse(hash: string, usedMs: number): void };

/** Who may do what: secret keys do what their scopes say; everybody else may only send. */
export type Keys = {
  /**
   * The holder of a secret key that may bring events and vouch, null without any; a wrong one is refused, so that a typo
   * does not turn public.
   */
  ingester(headers: Headers): Caller | null;
  /** The holder of a key with this scope, or a refusal. */
  require(headers: Headers, scope: Scope): Caller;
  /** The holder of a secret key, null without a valid one: for what is public and says more to some. */
  find(headers: Headers): Caller | null;
  checkWriteKey(writeKey: string | undefined, isRequired: boolean): void;
  /** Looks at the stored keys at the next request, however recent the last look is. */
  refresh(): void;
};

export function createKeys(source: KeySource, now: () => number): Keys {
  const findKnown = keyLookup(source, now);
  const noteUse = useNotes(source, now);
  /** Undefined where there is nothing meant for us, null where it is no key of ours. */
  const callerOf = (headers: Headers): Caller | null | undefined => {
    const authorization = headers.get("authorization");
    if (authorization === null || FOREIGN_PATTERN.test(authorization)) return undefined;
    const key = BEARER_PATTERN.exec(authorization)?.[1];
    const known = key === undefined ? null : findKnown.find(key, "secret");
    if (known === null) return null;
    noteUse(known.hash);
    return { keyId: keyIdOf(known.hash), scopes: known.scopes };
  };
  const validCallerOf = (headers: Headers): Caller | null => {
    const caller = callerOf(headers);
    if (caller !== null) return caller ?? null;
    throw new AppError(
      "unauthorized",
      "this secret key is not valid; send Authorization: Bearer sk_…",
      "authorization",
    );
  };
  return {
    ingester: (headers) => {
      const caller = validCallerOf(headers);
      if (caller !== null) requireScope(caller, "ingest");
      return caller;
    },
    require: (headers, scope) => {
      const caller = validCallerOf(headers);
      if (caller === null) {
        throw new AppError("unauthorized", "this needs the secret key: Authorization: Bearer sk_…", "authorization");
      }
      requireScope(caller, scope);
      return caller;
    },
    find: (headers) => callerOf(headers) ?? null,
    checkWriteKey: (writeKey, isRequired) => {
      if (writeKey === undefined) {
        if (isRequired)
          throw new AppError("unauthorized", "is missing; it stands in the script tag that serve prints", "write_key");
        return;
      }
      const known = findKnown.find(writeKey, "write");
      if (known === null) throw new AppError("unauthorized", "is not one of this instance's write keys", "write_key");
      noteUse(known.hash);
    },
    refresh: findKnown.forget,
  };
}

/** Whether a request's answer may tell what is known. */
export function mayRead(caller: Caller | null): boolean {
  return caller?.scopes.includes("read" satisfies Scope) ?? false;
}

function requireScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.includes(scope)) return;
  throw new AppError(
    "forbidden",
    `this key lacks the scope ${scope}; make one that has it: do-intent keys create NAME --scope ${scope}`,
    "authorization",
  );
}

type Known = KnownKey & { bytes: Buffer };

/** Reads the stored keys again when the last look is old; a store that cannot answer leaves those that are known. */
function keyLookup(source: KeySource, now: () => number) {
  let known: readonly Known[] = [];
  let readMs = Number.NEGATIVE_INFINITY;
  const read = (nowMs: number): void => {
    try {
      known = source.read().map((key) => ({ ...key, bytes: Buffer.from(key.hash) }));
      readMs = nowMs;
    } catch (error) {
      if (readMs === Number.NEGATIVE_INFINITY) throw error;
    }
  };
  return {
    find: (key: string, kind: KeyKind): Known | null => {
      const nowMs = now();
      if (Math.abs(nowMs - readMs) >= KEYS_READ_EVERY_MS) read(nowMs);
      const hash = Buffer.from(hashKey(key));
      let found: Known | null = null;
      // All of them, whichever it is: how long it takes tells nothing.
      for (const candidate of known) {
        const isSame = crypto.timingSafeEqual(candidate.bytes, hash);
        if (isSame && candidate.kind === kind) found = candidate;
      }
      return found;
    },
    forget: () => {
      readMs = Math.min(readMs, now() - KEYS_READ_EVERY_MS);
    },
  };
}

/** Keeps when each key was last used, after the answer and seldom; what cannot be kept is tried with a later use. */
function useNotes(source: KeySource, now: () => number): (hash: string) => void {
  const notedMs = new Map<string, number>();
  return (hash) => {
    const nowMs = now();
    const before = notedMs.get(hash);
    if (before !== undefined && Math.abs(nowMs - before) < USE_NOTED_EVERY_MS) return;
    notedMs.set(hash, nowMs);
    setImmediate(() => {
      try {
        source.noteUse(hash, nowMs);
      } catch {
        notedMs.delete(hash);
      }
    });
  };
}
