// The parameters of RFC 3492, section 5.
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_CODE_POINT = 128;
const CODE_POINT_MAX = 0x10ffff;
const DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The letters of a label without its `xn--`, in lower case; null when it stands for none. */
export function decodePunycode(label: string): string | null {
  const basicLength = Math.max(0, label.lastIndexOf("-"));
  const decoded = [...label.slice(0, basicLength)];
  let codePoint = INITIAL_CODE_POINT;
  let place = 0;
  let bias = INITIAL_BIAS;
  let at = basicLength > 0 ? basicLength + 1 : 0;
  while (at < label.length) {
    const before = place;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = DIGITS.indexOf(label[at] ?? " ");
      at += 1;
      if (digit < 0) return null;
      place += digit * weight;
      const threshold = Math.min(T_MAX, Math.max(T_MIN, k - bias));
      if (digit < threshold) break;
      weight *= BASE - threshold;
      if (weight > Number.MAX_SAFE_INTEGER / BASE) return null;
    }
    const length = decoded.length + 1;
    bias = adapt(place - before, length, before === 0);
    codePoint += Math.floor(place / length);
    if (codePoint > CODE_POINT_MAX) return null;
    place %= length;
    decoded.splice(place, 0, String.fromCodePoint(codePoint));
    place += 1;
  }
  return decoded.join("");
}

function adapt(delta: number, length: number, isFirst: boolean): number {
  let rest = Math.floor(isFirst ? delta / DAMP : delta / 2);
  rest += Math.floor(rest / length);
  let k = 0;
  for (; rest > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) rest = Math.floor(rest / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}
