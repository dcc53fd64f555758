import { z } from "zod";
import { bodiesOf, documentOf, type RouteDocument, TOPICS } from "../../http/document.ts";
import { escapeHtml } from "../../http/page.ts";
import type { ListedRoute } from "./assemble.ts";

export const PAGE_TITLE = "DO-Intent: every address";

type Route = { method: string; path: string; document: RouteDocument };

/** The same as openapi.json for people: by topic, no script, nothing from elsewhere. */
export function referenceMarkup(listed: readonly ListedRoute[], version: string): string {
  const routes = listed.flatMap(({ method, path, hooks }) => {
    const document = documentOf(hooks);
    return document === null ? [] : [{ method, path, document }];
  });
  return `<h1>DO-Intent ${escapeHtml(version)}: every address</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. A key goes into the header <code>Authorization: Bearer sk_…</code></p>
<p>Times come in as seconds, milliseconds or ISO 8601, and go out as ISO 8601. An error names the field, the limit and the remedy.</p>
<nav aria-label="Topics"><ul class="plain">${TOPICS.map((topic) => `<li><a href="#${anchorOf(topic)}">${topic}</a></li>`).join("")}</ul></nav>
${TOPICS.map((topic) => section(topic, routes)).join("\n")}`;
}

function section(topic: string, routes: readonly Route[]): string {
  const own = routes.filter(({ document }) => document.topic === topic);
  return `<section id="${anchorOf(topic)}">
<h2>${topic}</h2>
${own.map(entry).join("\n")}
</section>`;
}

function entry({ method, path, document }: Route): string {
  const { summary, access, answer } = document;
  return `<h3><code>${escapeHtml(`${method} ${path}`)}</code></h3>
<p>${escapeHtml(summary)}. <small>${escapeHtml(WHO[access])}</small></p>
${listOf([...pathParts(document), ...queryParts(document), ...bodyParts(document), { names: ["answers"], text: answer.description }])}`;
}

const WHO: { readonly [Access in RouteDocument["access"]]: string } = {
  public: "Open to all.",
  "signed link": "Opens with a signed link.",
  "signed link or read": "Opens with a signed link, or a key with the scope read.",
  ingest: "Key with the scope ingest.",
  read: "Key with the scope read.",
  admin: "Key with the scope admin.",
};

type Part = { names: readonly string[]; text: string };

function pathParts({ path = {} }: RouteDocument): Part[] {
  return Object.entries(path).map(([name, text]) => ({ names: [`:${name}`], text }));
}

/** What says nothing beyond its name stands in one line. */
function queryParts({ query }: RouteDocument): Part[] {
  const fields = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name: `?${name}`,
    text: textOf(schema as z.ZodType),
  }));
  const bare = fields.filter(({ text }) => text === "").map(({ name }) => name);
  return [
    ...(bare.length === 0 ? [] : [{ names: bare, text: "" }]),
    ...fields.filter(({ text }) => text !== "").map(({ name, text }) => ({ names: [name], text })),
  ];
}

function textOf(schema: z.ZodType): string {
  const values = choicesOf(schema);
  return [schema.description ?? "", values.join(", ")].filter((part) => part !== "").join(": ");
}

/** The values that a field takes where these are few. */
function choicesOf(schema: z.ZodType): string[] {
  const inner = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? schema.unwrap() : schema;
  if (inner !== schema) return choicesOf(inner as z.ZodType);
  return inner instanceof z.ZodEnum || inner instanceof z.ZodLiteral ? [...new Set(optionsOf(inner))] : [];
}

function optionsOf(schema: z.ZodEnum | z.ZodLiteral): string[] {
  return schema instanceof z.ZodEnum ? schema.options.map(String) : [...schema.values].map(String);
}

function bodyParts(document: RouteDocument): Part[] {
  return bodiesOf(document).map(({ type, schema, description = "" }) => {
    const fields = fieldsOf(schema).join(", ");
    return { names: [type], text: [description, fields].filter((part) => part !== "").join(": ") };
  });
}

/** Of a body that comes in several forms those of the first. */
function fieldsOf(schema: z.ZodType | undefined): string[] {
  if (schema instanceof z.ZodUnion) return fieldsOf(schema.options[0] as z.ZodType);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function listOf(parts: readonly Part[]): string {
  const rows = parts.map(({ names, text }) => {
    const terms = names.map((name) => (name === "answers" ? name : `<code>${escapeHtml(name)}</code>`)).join(" ");
    return `<dt>${terms}</dt><dd>${escapeHtml(text)}</dd>`;
  });
  return `<dl>${rows.join("")}</dl>`;
}

function anchorOf(topic: string): string {
  return topic.toLowerCase().replaceAll(" ", "-");
}
