import { z } from "zod";
import {
  type Access,
  answerTypesOf,
  type BodyDocument,
  bodiesOf,
  documentOf,
  type RouteDocument,
  TOPICS,
} from "../../http/document.ts";

/** What is known of a route: as Elysia lists it. */
export type ListedRoute = { method: string; path: string; hooks: unknown };

type Json = { [name: string]: unknown };

/** What an address may answer besides; each stands in the document once. */
const ERRORS = {
  Unreadable: { status: 400, description: "the body cannot be read" },
  Unauthorized: { status: 401, description: "no valid key" },
  Forbidden: { status: 403, description: "not allowed" },
  Missing: { status: 404, description: "there is nothing of this name" },
  Invalid: { status: 422, description: "a field is wrong; the message says which, and what it takes" },
  Overloaded: { status: 429, description: "too much at once; Retry-After says when to come back" },
  Unavailable: {
    status: 503,
    description: "it cannot be stored now, or not be read; Retry-After says when to try again",
  },
} as const;

const ERROR_CONTENT = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };

/** The OpenAPI 3.1 document of all routes, made from what each of them says and from the schemas that read its input. */
export function assembleOpenApi(routes: readonly ListedRoute[], version: string): Json {
  const paths: { [path: string]: Json } = {};
  for (const { method, path, hooks } of routes) {
    const document = documentOf(hooks);
    if (document === null) continue;
    const place = path.replace(/:(\w+)/g, "{$1}");
    paths[place] = { ...paths[place], [method.toLowerCase()]: operationOf(path, method, document) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "DO-Intent",
      version,
      description:
        "Times come in as seconds, milliseconds or ISO 8601 and go out as ISO 8601. Ids are opaque. An error names the field, the limit and the remedy.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: TOPICS.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A secret key: sk_…; its scopes say what it may do" },
        link: { type: "apiKey", in: "query", name: "signature", description: "As the link brings it" },
      },
      schemas: { Error: ERROR_SCHEMA },
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([name, { description }]) => [name, { description, content: ERROR_CONTENT }]),
      ),
    },
  };
}

function operationOf(path: string, method: string, document: RouteDocument): Json {
  const { topic, summary, access, query, answer } = document;
  const parameters = [...pathParameters(path, document), ...(query === undefined ? [] : queryParameters(query))];
  const bodies = bodiesOf(document);
  const types = answerTypesOf(document);
  return {
    tags: [topic],
    summary,
    operationId: operationIdOf(method, path),
    security: securityOf(access),
    ...(access === "public" ? {} : { description: NEEDED[access] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(bodies.length === 0 ? {} : { requestBody: requestBodyOf(bodies) }),
    responses: {
      [answer.status ?? 200]: {
        description: answer.description,
        ...(types.length === 0 ? {} : { content: Object.fromEntries(types.map((type) => [type, {}])) }),
      },
      ...errorResponses(path, document),
    },
  };
}

const NEEDED: { readonly [Needed in Exclude<Access, "public">]: string } = {
  "signed link": "Opens with a signed link only.",
  "signed link or read": "Opens with a signed link, or a key with the scope read.",
  ingest: "Needs a key with the scope ingest.",
  read: "Needs a key with the scope read.",
  admin: "Needs a key with the scope admin.",
};

function securityOf(access: Access): Json[] {
  if (access === "public") return [];
  if (access === "signed link") return [{ link: [] }];
  return access === "signed link or read" ? [{ link: [] }, { key: [] }] : [{ key: [] }];
}

function operationIdOf(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return [method.toLowerCase(), ...words].join("_");
}

function pathParameters(path: string, { path: described = {} }: RouteDocument): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    ...(described[name] === undefined ? {} : { description: described[name] }),
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = jsonSchemaOf(query) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Json;
    return {
      name,
      in: "query",
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

function requestBodyOf(bodies: readonly BodyDocument[]): Json {
  const descriptions = bodies.flatMap(({ description }) => description ?? []);
  return {
    required: true,
    ...(descriptions.length === 0 ? {} : { description: descriptions.join("; ") }),
    content: Object.fromEntries(
      bodies.map(({ type, schema }) => [type, schema === undefined ? {} : { schema: jsonSchemaOf(schema) }]),
    ),
  };
}

/** What comes in, before transforms; what JSON Schema cannot say is left open. */
function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-2020-12",
    unrepresentable: "any",
  });
  return rest;
}

function errorResponses(path: string, document: RouteDocument): Json {
  const { access, query } = document;
  const isGiven = bodiesOf(document).length > 0 || query !== undefined;
  const names: (keyof typeof ERRORS)[] = [
    ...(bodiesOf(document).length > 0 ? (["Unreadable"] as const) : []),
    ...(access !== "public" || isGiven ? (["Unauthorized"] as const) : []),
    "Forbidden",
    ...(path.includes(":") ? (["Missing"] as const) : []),
    ...(isGiven ? (["Invalid"] as const) : []),
    "Overloaded",
    "Unavailable",
  ];
  return Object.fromEntries(names.map((name) => [ERRORS[name].status, { $ref: `#/components/responses/${name}` }]));
}

const ERROR_SCHEMA = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message"],
      properties: { code: { type: "string" }, message: { type: "string" }, field: { type: "string" } },
    },
  },
} as const;
