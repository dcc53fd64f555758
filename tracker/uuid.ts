let sequence = 0;

export const hex = (value: number | bigint, length: number): string => value.toString(16).padStart(length, "0");

/** Version 7, with a counter behind the time: the order of the names is the order of birth. */
export function uuid(): string {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  const digits = `${hex(Date.now(), 12)}7${hex(sequence++ & 0xfff, 3)}8${hex(random, 16)}`;
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})./, "$1-$2-$3-$4-$5");
}
