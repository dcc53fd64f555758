let sequence = 0;

export const hex = (value: number | bigint, length: number): string => value.toString(16).padStart(length, "0");

/** Version 7, with a counter behind the time: the order of the names is the order of birth. */
export function uuid(): string {
  const random = crypto.getRandomValues(new BigUint64Array(1))[0] as bigint;
  const time = hex(Date.now(), 12);
  const rest = hex(random, 16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(sequence++ & 0xfff, 3)}-8${rest.slice(1, 4)}-${rest.slice(4)}`;
}
