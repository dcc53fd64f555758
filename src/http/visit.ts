/** What the operator lets be read off a browser's request; nothing unless said. */
export type VisitConfig = { country_header: string | null; device_class: boolean };

/** What rules may ask of where and with what somebody came. Neither the address nor the user agent is kept. */
export type VisitProperties = { country?: string; device_class?: "desktop" | "mobile" | "tablet" };

const COUNTRY_PATTERN = /^[a-z]{2}$/i;
/** What proxies say when they do not know. */
const UNKNOWN_COUNTRIES: ReadonlySet<string> = new Set(["XX", "ZZ"]);
/** Android tablets are those that do not say they are mobile; an iPad that passes for a Mac is a desktop. */
const TABLET_PATTERN = /\b(ipad|tablet|kindle|silk|playbook)\b|android(?!.*\bmobile\b)/i;
const MOBILE_PATTERN = /\bmobi/i;

const NOTHING: VisitProperties = {};

export function visitProperties(
  headers: Headers,
  { country_header: countryHeader, device_class: isClassed }: VisitConfig,
): VisitProperties {
  if (countryHeader === null && !isClassed) return NOTHING;
  const country = countryHeader === null ? null : countryOf(headers.get(countryHeader));
  const deviceClass = isClassed ? deviceClassOf(headers) : null;
  return {
    ...(country === null ? {} : { country }),
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
  };
}

function countryOf(said: string | null): string | null {
  const country = said?.trim().toUpperCase() ?? "";
  return COUNTRY_PATTERN.test(country) && !UNKNOWN_COUNTRIES.has(country) ? country : null;
}

function deviceClassOf(headers: Headers): NonNullable<VisitProperties["device_class"]> | null {
  const userAgent = headers.get("user-agent");
  if (userAgent !== null && TABLET_PATTERN.test(userAgent)) return "tablet";
  const hint = headers.get("sec-ch-ua-mobile");
  if (hint === "?1") return "mobile";
  if (hint === "?0") return "desktop";
  if (userAgent === null) return null;
  return MOBILE_PATTERN.test(userAgent) ? "mobile" : "desktop";
}
