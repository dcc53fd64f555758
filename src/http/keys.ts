import { AppError } from "../core/error.ts";

const KEY_RANDOM_BYTES = 24;
const KEY_ID_LENGTH = 12;
export const SECRET_KEY_PREFIX = "sk_";
export const WRITE_KEY_PREFIX = "wk_";

const BEARER_PATTERN = /^bearer +(\S+)$/i;
/** What browsers send along by themselves, such as a staging site's password, is not meant for us. */
const FOREIGN_PATTERN = /^(basic|digest|negotiate) /i;

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
export type Caller = { keyId: string };

/** Who may do what: the secret key reads, administers and vouches; everybody else may only send. */
export type Keys = {
  /** True with a valid secret key, false without any; a wrong one is refused, so that a typo does not turn public. */
  isSecret(headers: Headers): boolean;
  /** The holder of a key with this scope, or a refusal. */
  require(headers: Headers, scope: Scope): Caller;
  checkWriteKey(writeKey: string | undefined, isRequired: boolean): void;
};

export function createKeys(secretHashes: readonly string[], writeKeyHashes: readonly string[]): Keys {
  const matches = (key: string, hashes: readonly string[]): boolean => {
    const hash = Buffer.from(hashKey(key));
    return hashes.some((known) => crypto.timingSafeEqual(Buffer.from(known), hash));
  };
  const callerOf = (headers: Headers): Caller | null => {
    const authorization = headers.get("authorization");
    if (authorization === null) return null;
    if (FOREIGN_PATTERN.test(authorization)) return null;
    const key = BEARER_PATTERN.exec(authorization)?.[1];
    if (key !== undefined && matches(key, secretHashes)) return { keyId: keyIdOf(hashKey(key)) };
    throw new AppError(
      "unauthorized",
      "this secret key is not valid; send Authorization: Bearer sk_…",
      "authorization",
    );
  };
  return {
    isSecret: (headers) => callerOf(headers) !== null,
    require: (headers) => {
      const caller = callerOf(headers);
      if (caller !== null) return caller;
      throw new AppError("unauthorized", "this needs the secret key: Authorization: Bearer sk_…", "authorization");
    },
    checkWriteKey: (writeKey, isRequired) => {
      if (writeKey === undefined) {
        if (isRequired)
          throw new AppError("unauthorized", "is missing; it stands in the script tag that serve prints", "write_key");
      } else if (!matches(writeKey, writeKeyHashes)) {
        throw new AppError("unauthorized", "is not one of this instance's write keys", "write_key");
      }
    },
  };
}
