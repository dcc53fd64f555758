import { z } from "zod";
import { bodiesOf, documentOf, type RouteDocument, TOPICS } from "../../http/document.ts";
import { escapeHtml } from "../../http/page.ts";
import type { ListedRoute } from "./assemble.ts";

export const PAGE_TITLE = "DO-Intent: every address";

/** One document, and every address that it is of. */
type Entry = { document: RouteDocument; addresses: string[] };

/** The same as openapi.json for people: by topic, no script, nothing from elsewhere. */
export function referenceMarkup(listed: readonly ListedRoute[], version: string): string {
  const entries = new Map<RouteDocument, Entry>();
  for (const { method, path, hooks } of listed) {
    const document = documentOf(hooks);
    if (document === null) continue;
    const { addresses } = entries.get(document) ?? { addresses: [] };
    entries.set(document, { document, addresses: [...addresses, `${method} ${path}`] });
  }
  return `<h1>DO-Intent ${escapeHtml(version)}: every address</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. A key goes into the header <code>Authorization: Bearer sk_…</code></p>
<p>Times come in as seconds, milliseconds or ISO 8601, and go out as ISO 8601. An error names the field, the limit and the remedy.</p>
<nav aria-label="Topics"><ul class="plain">${TOPICS.map((topic) => `<li><a href="#${anchorOf(topic)}">${topic}</a></li>`).join("")}</ul></nav>
${TOPICS.map((topic) => section(topic, [...entries.values()])).join("\n")}`;
}

function section(topic: string, entries: readonly Entry[]): string {
  const own = entries.filter(({ document }) => document.topic === topic);
  return `<section id="${anchorOf(topic)}">
<h2>${topic}</h2>
${own.map(entryOf).join("\n")}
</section>`;
}

function entryOf({ document, addresses }: Entry): string {
  const { summary, access, answer } = document;
  return `<h3>${addresses.map((address) => `<code>${escapeHtml(address)}</code>`).join("<br>")}</h3>
<p>${escapeHtml(summary)}. <small>${escapeHtml(WHO[access])}</small></p>
${listOf([...pathParts(document), ...queryParts(document), ...bodyParts(document), { term: "answers", text: escapeHtml(answer.description) }])}`;
}

const WHO: { readonly [Access in RouteDocument["access"]]: string } = {
  public: "Open to all.",
  "signed link": "Opens with a signed link.",
  "signed link or read": "Opens with a signed link, or a key with the scope read.",
  ingest: "Key with the scope ingest.",
  read: "Key with the scope read.",
  admin: "Key with the scope admin.",
};

/** A term and what is said of it, both as markup. */
type Part = { term: string; text: string };

function partOf(name: string, text: string): Part {
  return { term: codeOf(name), text: escapeHtml(text) };
}

function codeOf(name: string): string {
  return `<code>${escapeHtml(name)}</code>`;
}

function pathParts({ path = {} }: RouteDocument): Part[] {
  return Object.entries(path).map(([name, text]) => partOf(`:${name}`, text));
}

/** Names that say enough stand together. */
function queryParts({ query }: RouteDocument): Part[] {
  const fields = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name: `?${name}`,
    text: textOf(schema as z.ZodType),
  }));
  const bare = fields.filter(({ text }) => text === "").map(({ name }) => codeOf(name));
  return [
    ...(bare.length === 0 ? [] : [{ term: "takes", text: bare.join(" ") }]),
    ...fields.filter(({ text }) => text !== "").map(({ name, text }) => partOf(name, text)),
  ];
}

function textOf(schema: z.ZodType): string {
  const inner = innerOf(schema);
  const description = schema.description ?? inner.description ?? "";
  return [description, choicesOf(inner).join(", ")].filter((part) => part !== "").join(": ");
}

function innerOf(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? innerOf(schema.unwrap() as z.ZodType)
    : schema;
}

/** The values that a field takes where these are few. */
function choicesOf(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  return schema instanceof z.ZodLiteral ? [...schema.values].map(String) : [];
}

function bodyParts(document: RouteDocument): Part[] {
  return bodiesOf(document).map(({ type, schema, description = "" }) => {
    const fields = fieldsOf(schema).join(", ");
    return partOf(type, [description, fields].filter((part) => part !== "").join(": "));
  });
}

/** Of a body that comes in several forms those of the first. */
function fieldsOf(schema: z.ZodType | undefined): string[] {
  if (schema instanceof z.ZodUnion) return fieldsOf(schema.options[0] as z.ZodType);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function listOf(parts: readonly Part[]): string {
  return `<dl>${parts.map(({ term, text }) => `<dt>${term}</dt><dd>${text}</dd>`).join("")}</dl>`;
}

function anchorOf(topic: string): string {
  return topic.toLowerCase().replaceAll(" ", "-");
}
