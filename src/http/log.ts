export type LogFields = { readonly [field: string]: string | number | boolean | null };

export type Log = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};

/** Troubles come in thousands, and a log that fills the disk makes one more. */
const TROUBLE_LINES_PER_SECOND_MAX = 20;

/** Lines on stdout, for people or for machines. Callers pass nothing personal. */
export function createLog(format: "json" | "pretty", write: (line: string) => void): Log {
  let second = "";
  let troubles = 0;
  const isTooMany = (at: string): boolean => {
    const current = at.slice(0, 19);
    troubles = current === second ? troubles + 1 : 1;
    second = current;
    return troubles > TROUBLE_LINES_PER_SECOND_MAX;
  };
  const line =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      const at = new Date().toISOString();
      if (level !== "info" && isTooMany(at)) return;
      if (format === "json") write(JSON.stringify({ at, level, event, ...fields }));
      else write([at.slice(11, 19), level.padEnd(5), event, ...Object.entries(fields).map(prettyField)].join(" "));
    };
  return { info: line("info"), warn: line("warn"), error: line("error") };
}

function prettyField([name, value]: [string, LogFields[string] | undefined]): string {
  return `${name}=${typeof value === "string" && /\s/.test(value) ? JSON.stringify(value) : value}`;
}
