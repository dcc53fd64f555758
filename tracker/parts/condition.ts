export type Fields = Record<string, string>;

/** `company`: has one. `level:hot`: is just that. Of several, parted by commas, one has to hold. */
export function conditionHolds(condition: string, fields: Fields): boolean {
  return condition.split(",").some((one) => {
    const [field = "", ...wanted] = one.trim().split(":");
    const value = fields[field.trim()];
    if (value === undefined || !wanted.length) return !!value;
    return value.toLowerCase() === wanted.join(":").trim().toLowerCase();
  });
}
