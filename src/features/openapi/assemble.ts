import { z } from "zod";
import { type Access, documentOf, type RouteDocument } from "../../http/document.ts";

/** What is known of a route: as Elysia lists it. */
export type ListedRoute = { method: string; path: string; hooks: unknown };

type Json = { [name: string]: unknown };

const ERROR_STATUSES = {
  400: "no JSON",
  401: "no valid key",
  403: "not allowed",
  422: "a field is wrong",
  429: "too much at once",
};

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
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A secret key: sk_…; its scopes say what it may do" },
        link: { type: "apiKey", in: "query", name: "signature", description: "As the link brings it" },
      },
      schemas: { Error: ERROR_SCHEMA },
    },
  };
}

function operationOf(path: string, method: string, document: RouteDocument): Json {
  const { summary, access, query, body, answer } = document;
  const parameters = [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))];
  return {
    summary,
    operationId: operationIdOf(method, path),
    security: securityOf(access),
    ...(isScope(access) ? { description: `Needs a key with the scope ${access}.` } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    responses: {
      [answer.status ?? 200]: {
        description: answer.description,
        content: { [answer.type ?? "application/json"]: {} },
      },
      ...errorResponses(),
    },
  };
}

function isScope(access: Access): boolean {
  return access !== "public" && access !== "signed link";
}

function securityOf(access: Access): Json[] {
  if (access === "public") return [];
  return access === "signed link" ? [{ link: [] }, { key: [] }] : [{ key: [] }];
}

function operationIdOf(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return [method.toLowerCase(), ...words].join("_");
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = jsonSchemaOf(query) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function bodyOf({ type, schema, description }: NonNullable<RouteDocument["body"]>): Json {
  return {
    required: true,
    ...(description === undefined ? {} : { description }),
    content: { [type]: schema === undefined ? {} : { schema: jsonSchemaOf(schema) } },
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

function errorResponses(): Json {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.fromEntries(
    Object.entries(ERROR_STATUSES).map(([status, description]) => [status, { description, content }]),
  );
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
