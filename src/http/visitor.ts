const COOKIE_PATTERN = /(?:^|;)\s*_di=([\w-]{8,64})\s*(?:;|$)/;
const SESSION_COOKIE_PATTERN = /(?:^|;)\s*_di\.s=([\w-]{1,64})\./;

/** Which of a browser's signals not to be known are obeyed. */
export type Honour = { global_privacy_control: boolean; do_not_track: boolean };

/** The browser's own id, as its cookie has it. */
export function cookieVisitor(headers: Headers): string | null {
  return COOKIE_PATTERN.exec(headers.get("cookie") ?? "")?.[1] ?? null;
}

/** The visit that the browser is in, as its cookie has it. */
export function cookieSession(headers: Headers): string | null {
  return SESSION_COOKIE_PATTERN.exec(headers.get("cookie") ?? "")?.[1] ?? null;
}

/** What the tracker obeys in the browser holds here as well. */
export function refusesToBeKnown(headers: Headers, honour: Honour): boolean {
  return (
    (honour.global_privacy_control && headers.get("sec-gpc") === "1") ||
    (honour.do_not_track && headers.get("dnt") === "1")
  );
}
