import { describe, expect, test } from "bun:test";
import { type Environment, parseCommand } from "../../src/config/flags.ts";

const DEFAULTS = {
  data: "./data",
  port: 3000,
  host: "0.0.0.0",
  origins: [],
  config: null,
  durability: "full",
  log: "pretty",
  logRequests: false,
  secretKey: null,
  secretKeyFile: null,
};
const PORT = "a whole number from 0 to 65535, 0 for any free port";
const ORIGIN = "https://acme.com or https://*.acme.com, without a path";

const parse = (line: string, env: Environment = {}) => parseCommand(line.split(" ").filter(Boolean), env);

describe("what serve is asked for", () => {
  const cases: { line: string; env?: Environment; options: object }[] = [
    { line: "", options: {} },
    { line: "serve", options: {} },
    { line: "--port 8080", options: { port: 8080 } },
    { line: "--log-requests", options: { logRequests: true } },
    { line: "", env: { DO_INTENT_LOG_REQUESTS: "true" }, options: { logRequests: true } },
    { line: "", env: { DO_INTENT_LOG_REQUESTS: "false" }, options: { logRequests: false } },
    { line: "serve --port=0", options: { port: 0 } },
    { line: "--port 65535", options: { port: 65535 } },
    { line: "", env: { DO_INTENT_PORT: "8081" }, options: { port: 8081 } },
    { line: "--port 8080", env: { DO_INTENT_PORT: "8081" }, options: { port: 8080 } },
    { line: "--port 8080", env: { DO_INTENT_PORT: "wrong" }, options: { port: 8080 } },
    { line: "", env: { DO_INTENT_PORT: "" }, options: {} },
    {
      line: "--data /srv/x --host :: --config a.json --durability normal --log json",
      options: { data: "/srv/x", host: "::", config: "a.json", durability: "normal", log: "json" },
    },
    {
      line: "",
      env: {
        DO_INTENT_DATA: "/srv/x",
        DO_INTENT_HOST: "127.0.0.1",
        DO_INTENT_CONFIG: "a.json",
        DO_INTENT_DURABILITY: "normal",
        DO_INTENT_LOG: "json",
        DO_INTENT_SECRET_KEY: "0123456789abcdef",
      },
      options: {
        data: "/srv/x",
        host: "127.0.0.1",
        config: "a.json",
        durability: "normal",
        log: "json",
        secretKey: "0123456789abcdef",
      },
    },
    {
      line: "--origin https://acme.com --origin https://*.acme.com",
      options: { origins: ["https://acme.com", "https://*.acme.com"] },
    },
    {
      line: "--origin https://b.com",
      env: { DO_INTENT_ORIGIN: "https://a.com" },
      options: { origins: ["https://b.com"] },
    },
    {
      line: "",
      env: { DO_INTENT_ORIGIN: "https://a.com, HTTPS://B.com:443/,http://localhost:8080," },
      options: { origins: ["https://a.com", "https://b.com", "http://localhost:8080"] },
    },
    { line: "", env: { DO_INTENT_SECRET_CRM: "x", HOME: "/", DO_INTENT_SOMETHING_ELSE: "x" }, options: {} },
  ];

  test.each(cases)("serve: $line", ({ line, env, options }) => {
    const command = { name: "serve", options: { ...DEFAULTS, ...options } };
    expect(parse(line, env)).toEqual({ command } as ReturnType<typeof parse>);
  });
});

describe("other commands", () => {
  const cases: { line: string; env?: Environment; name: string; options: object }[] = [
    { line: "help", name: "help", options: {} },
    { line: "--help", name: "help", options: {} },
    { line: "serve --prot 1 -h", name: "help", options: {} },
    { line: "version", name: "version", options: {} },
    { line: "--version", name: "version", options: {} },
    { line: "config check intent.json", name: "config check", options: { file: "intent.json" } },
    { line: "config check -- --help", name: "config check", options: { file: "--help" } },
    { line: "config print", name: "config print", options: { config: null } },
    { line: "config print --config a.json", name: "config print", options: { config: "a.json" } },
    { line: "config print", env: { DO_INTENT_CONFIG: "a.json" }, name: "config print", options: { config: "a.json" } },
    { line: "config schema", name: "config schema", options: {} },
    {
      line: "explain ada@example.com",
      env: { DO_INTENT_DATA: "/srv/x", DO_INTENT_PORT: "of no concern here" },
      name: "explain",
      options: { who: "ada@example.com", atMs: null, data: "/srv/x", config: null },
    },
    {
      line: "explain --at 1700000000 ada",
      name: "explain",
      options: { who: "ada", atMs: 1_700_000_000_000, data: "./data", config: null },
    },
    {
      line: "explain ada --at=2026-01-01T12:00:00+02:00",
      name: "explain",
      options: { who: "ada", atMs: Date.UTC(2026, 0, 1, 10), data: "./data", config: null },
    },
  ];

  test.each(cases)("$line", ({ line, env, name, options }) => {
    expect(parse(line, env)).toEqual({ command: { name, options } } as ReturnType<typeof parse>);
  });
});

describe("what is wrong, and what is taken", () => {
  const cases: { line: string; env?: Environment; problem: string }[] = [
    { line: "--port 80a", problem: `--port takes ${PORT}` },
    { line: "--port 65536", problem: `--port takes ${PORT}` },
    { line: "--port -1", problem: `--port takes ${PORT}` },
    { line: "--port=", problem: `--port takes ${PORT}` },
    { line: "--port", problem: `--port takes ${PORT}; nothing is given` },
    { line: "--port --host ::", problem: `--port takes ${PORT}; nothing is given` },
    { line: "--port 1 --port 2", problem: "--port stands twice; give it once" },
    { line: "", env: { DO_INTENT_PORT: "80a" }, problem: `DO_INTENT_PORT takes ${PORT}` },
    { line: "--data=", problem: "--data takes the path of a folder" },
    { line: "--host a/b", problem: "--host takes an address of this machine such as 127.0.0.1 or ::" },
    { line: "--durability fast", problem: "--durability takes full or normal" },
    {
      line: "",
      env: { DO_INTENT_LOG_REQUESTS: "1" },
      problem: "DO_INTENT_LOG_REQUESTS takes true or false",
    },
    { line: "", env: { DO_INTENT_LOG: "xml" }, problem: "DO_INTENT_LOG takes json or pretty" },
    {
      line: "",
      env: { DO_INTENT_SECRET_KEY: "too-short" },
      problem: "DO_INTENT_SECRET_KEY takes 16 to 200 visible ASCII characters",
    },
    { line: "--secret-key x", problem: "--secret-key is no flag of serve; see do-intent --help" },
    { line: "--prot 1", problem: '--prot is no flag of serve; "--port" may be meant' },
    { line: "--at 5", problem: "--at is no flag of serve; see do-intent --help" },
    { line: "-p 1", problem: "-p is no flag of serve; see do-intent --help" },
    { line: "", env: { DO_INTENT_PROT: "1" }, problem: 'DO_INTENT_PROT is not known; "DO_INTENT_PORT" may be meant' },
    {
      line: "version",
      env: { DO_INTENT_ORIGINS: "x" },
      problem: 'DO_INTENT_ORIGINS is not known; "DO_INTENT_ORIGIN" may be meant',
    },
    { line: "serve now", problem: 'serve takes no further word, but "now" is given; see do-intent --help' },
    { line: "sreve", problem: '"sreve" is no command; "serve" may be meant' },
    { line: "frobnicate", problem: '"frobnicate" is no command; see do-intent --help' },
    { line: "constructor", problem: '"constructor" is no command; see do-intent --help' },
    { line: "config", problem: "config takes one of check, try, print, schema; see do-intent --help" },
    { line: "config chekc a", problem: 'config takes one of check, try, print, schema; "check" may be meant' },
    { line: "config check", problem: "config check takes the path of an intent.json; nothing is given" },
    {
      line: "explain",
      problem: "explain takes a person's id, e-mail or anonymous id, or an account's domain; nothing is given",
    },
    { line: "explain ada --at noon", problem: "--at takes a time in seconds, milliseconds or ISO 8601" },
  ];

  test.each(cases)("$line: $problem", ({ line, env, problem }) => {
    expect(parse(line, env)).toEqual({ problem });
  });

  test.each([
    "acme.com",
    "https://acme.com/shop",
    "https://acme.com?x",
    "ftp://acme.com",
    "https://a.*.com",
    "https://*",
    "*",
    "null",
    "https://user@acme.com",
  ])("--origin %s", (origin) => {
    expect(parse(`--origin https://fine.com --origin ${origin}`)).toEqual({ problem: `--origin takes ${ORIGIN}` });
    expect(parse("", { DO_INTENT_ORIGIN: origin })).toEqual({ problem: `DO_INTENT_ORIGIN takes ${ORIGIN}` });
  });
});
