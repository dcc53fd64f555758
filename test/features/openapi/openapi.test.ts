import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Elysia } from "elysia";
import { HtmlValidate } from "html-validate";
import type { ZodType } from "zod";
import { parseIntentConfig } from "../../../src/config/intent.ts";
import type { ListedRoute } from "../../../src/features/openapi/assemble.ts";
import { openApiRoutes } from "../../../src/features/openapi/routes.ts";
import { loadScript } from "../../../src/features/tracker/routes.ts";
import { documentOf, TOPICS } from "../../../src/http/document.ts";
import { startInstance, type TestInstance, withSecret } from "../../support/instance.ts";

type Parameter = { name: string; in: string; required: boolean; description?: string; schema: object };
type Operation = {
  tags: string[];
  summary: string;
  operationId: string;
  security: { [scheme: string]: [] }[];
  parameters?: Parameter[];
  requestBody?: { content: { [type: string]: { schema?: object } } };
  responses: { [status: string]: object };
};
type OpenApi = {
  openapi: string;
  tags: { name: string }[];
  paths: { [path: string]: { [method: string]: Operation } };
};

/** Mailers add to a link what they like; beside a list, what is not known is told with the list's own words. */
const TAKES_MORE = new Set(["POST /campaigns", "GET /m/:slug/thanks/:granted", "GET /m/:slug/file"]);

let house: TestInstance;
let openApi: OpenApi;
let page: string;
/** What browsers ask before they send is no address of its own. */
const routesOf = ({ app }: TestInstance) => app.routes.filter(({ method }) => method !== "OPTIONS");
const operations = () =>
  Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ address: `${method.toUpperCase()} ${path}`, operation })),
  );

beforeAll(async () => {
  const parsed = parseIntentConfig('{"tracker":{"paths":{"script":["/own.js"],"events":"/own"}}}');
  if (parsed.problems !== undefined) throw new Error(parsed.problems.join());
  house = startInstance({ script: await loadScript(parsed.config.tracker) });
  openApi = (await house.get<OpenApi>("/openapi.json")).body;
  page = (await house.get("/docs")).text;
});
afterAll(() => house[Symbol.asyncDispose]());

describe("openapi.json", () => {
  test("has every route, also those that the config names", () => {
    const routes = routesOf(house);
    expect(routes.length).toBeGreaterThan(55);
    expect(
      routes.filter(({ hooks }) => documentOf(hooks) === null).map(({ method, path }) => `${method} ${path}`),
    ).toEqual([]);
    const addresses = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(
      operations()
        .map(({ address }) => address)
        .sort(),
    ).toEqual([...new Set(addresses)].sort());
    expect(addresses).toContain("POST /own");
    expect(addresses).toContain("GET /own.js");
  });

  test("is valid OpenAPI 3.1", async () => {
    expect(openApi.openapi).toStartWith("3.1");
    const { valid, errors } = await new Validator().validate(structuredClone(openApi));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  test("names every operation once, and its topic", () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(names.length - new Set(names).size).toBe(0);
    const used = new Set(operations().flatMap(({ operation }) => operation.tags));
    expect(openApi.tags.map(({ name }) => name)).toEqual([...TOPICS]);
    expect([...used].sort()).toEqual([...TOPICS].sort());
  });

  test("says what every part of a path stands for", () => {
    for (const { address, operation } of operations()) {
      const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect([address, inPath.map(({ name }) => name)]).toEqual([address, named]);
      for (const { name, description, required } of inPath) {
        expect([address, name, required, (description ?? "").length > 5]).toEqual([address, name, true, true]);
      }
    }
  });

  test("describes no part of a path that is not there", () => {
    for (const { path, hooks } of routesOf(house)) {
      const described = Object.keys(documentOf(hooks)?.path ?? {});
      expect(described.filter((name) => !path.includes(`:${name}`))).toEqual([]);
    }
  });

  const parameters: [string, string, object][] = [
    ["GET /people", "limit", { type: "integer", minimum: 1, maximum: 500, default: 50 }],
    ["GET /signals", "since", { type: "string", maxLength: 40 }],
    ["GET /reviews", "state", { type: "string", enum: ["open", "approved", "rejected"] }],
    ["POST /backup", "compress", { type: "string", enum: ["gzip"] }],
    ["GET /campaigns/{id}/export.csv", "hash", { type: "string", const: "email" }],
    ["POST /campaigns", "utm_source", { type: "string" }],
  ];
  test.each(parameters)("%s takes ?%s as its schema reads it", (address, name, schema) => {
    const found = operations().find((operation) => operation.address === address)?.operation.parameters ?? [];
    expect(found.find((parameter) => parameter.name === name)?.schema).toEqual(schema);
  });

  test("names what the address itself says that it takes", async () => {
    await house.postSecret("/identify", { anonymous_id: "visitor-1", identity: { email: "ada@acme.com" } });
    await house.post("/campaigns?name=spring&base_url=https://acme.example", "email\nada@acme.com\n", {
      ...withSecret,
      "content-type": "text/csv",
    });
    const asked = routesOf(house).flatMap(({ method, path, hooks }) => {
      const query = documentOf(hooks)?.query;
      return query === undefined || TAKES_MORE.has(`${method} ${path}`) ? [] : [{ method, path, query }];
    });
    expect(asked.length).toBeGreaterThan(20);
    for (const { method, path, query } of asked) {
      const real = path.replace("/people/:id", "/people/ada@acme.com").replace(":domain", "acme.com");
      const required = Object.entries(query.shape).flatMap(([name, schema]) =>
        (schema as ZodType).safeParse(undefined).success ? [] : [`&${name}=1`],
      );
      const asking = `?not_known=1${required.join("")}`;
      const url = `http://localhost${real.replace("/campaigns/:id", "/campaigns/spring")}${asking}`;
      const answer = await house.app.handle(new Request(url, { method, headers: withSecret }));
      const names = Object.keys(query.shape).join(", ");
      const takes = names === "" ? "takes no parameters" : `takes ${names}; leave out what is none of them`;
      const error = { code: "invalid", message: `this address ${takes}` };
      expect([method, path, answer.status, await answer.json()]).toEqual([method, path, 422, { error }]);
    }
  });

  const bodies: [string, string[], string[]][] = [
    ["POST /identify", ["application/json"], ["anonymous_id", "identity", "user_hash"]],
    ["POST /track", ["application/json"], ["event", "event_id", "events", "sent_at", "metadata"]],
    ["POST /keys", ["application/json"], ["name", "kind", "scopes"]],
    ["POST /campaigns", ["text/csv", "application/json"], ["name", "base_url", "leads"]],
    ["POST /m/{slug}", ["application/x-www-form-urlencoded", "application/json"], ["email", "started"]],
  ];
  test.each(bodies)("%s takes a body of %p", (address, types, fields) => {
    const content = operations().find((operation) => operation.address === address)?.operation.requestBody?.content;
    expect(Object.keys(content ?? {})).toEqual(types);
    const text = JSON.stringify(content);
    for (const field of fields) expect(text).toContain(`"${field}":`);
  });

  const securities: [string, object[]][] = [
    ["POST /track", []],
    ["GET /people", [{ key: [] }]],
    ["GET /m/{slug}/file", [{ link: [] }]],
    ["GET /people/{id}/explanation", [{ link: [] }, { key: [] }]],
  ];
  test.each(securities)("%s is opened by %p", (address, security) => {
    expect(operations().find((operation) => operation.address === address)?.operation.security).toEqual(security as []);
  });
});

describe("the page of it", () => {
  test("names every route", () => {
    for (const { method, path } of routesOf(house)) expect(page).toContain(`<code>${method} ${path}</code>`);
  });

  test("is correct HTML", async () => {
    const validator = new HtmlValidate({ root: true, extends: ["html-validate:standard"] });
    const { results } = await validator.validateString(page);
    expect(results.flatMap(({ messages }) => messages.map(({ line, message }) => `${line}: ${message}`))).toEqual([]);
  });

  test("has no script, and nothing from elsewhere", async () => {
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base)\b|\bon\w+=|javascript:|@import|url\(/i);
    const targets = [...page.matchAll(/\b(?:href|src|action)="([^"]*)"/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !target.startsWith("#"))).toEqual(["/openapi.json"]);
    for (const target of targets.filter((text) => text.startsWith("#")))
      expect(page).toContain(`id="${target.slice(1)}"`);
    const { headers } = await house.get("/docs");
    expect(headers.get("content-security-policy")).toStartWith("default-src 'none'; style-src 'sha256-");
  });
});

test.each(["/openapi.json", "/docs"])("%s is made once, for whoever asks", async (path) => {
  let made = 0;
  const listed = (): readonly ListedRoute[] => {
    made += 1;
    return house.app.routes;
  };
  const app = new Elysia().use(openApiRoutes(listed, "1.2.3"));
  const texts = [];
  for (let asked = 0; asked < 3; asked += 1) {
    const answer = await app.handle(new Request(`http://localhost${path}`));
    expect(answer.status).toBe(200);
    texts.push(await answer.text());
  }
  expect(made).toBe(1);
  expect(new Set(texts).size).toBe(1);
  expect(texts[0]).toContain("1.2.3");
});
