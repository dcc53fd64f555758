import type { EventData as EventAnswer } from "../../../src/core/event-data.ts";
import type { ExplainAnswer } from "../../../src/features/people/explain.ts";
import type { PeopleAnswer } from "../../../src/features/people/list.ts";
import type { FullPersonAnswer, PersonAnswer } from "../../../src/features/people/person.ts";
import type { TestInstance } from "../../support/instance.ts";

export async function personOf(instance: TestInstance, said: string): Promise<FullPersonAnswer> {
  const { status, body, text } = await instance.getSecret<FullPersonAnswer>(`/people/${encodeURIComponent(said)}`);
  if (status !== 200) throw new Error(text);
  return body;
}

export async function explanationOf(
  instance: TestInstance,
  said: string,
  at?: string | number,
): Promise<ExplainAnswer> {
  const query = at === undefined ? "" : `?at=${encodeURIComponent(at)}`;
  const { status, body, text } = await instance.getSecret<ExplainAnswer>(`/people/${said}/explain${query}`);
  if (status !== 200) throw new Error(text);
  return body;
}

/** Every page of a list; `between` runs after each. */
export async function pagesOf<Key extends string, Row>(
  instance: TestInstance,
  path: string,
  key: Key,
  between: () => void = () => {},
): Promise<Row[][]> {
  const pages: Row[][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = cursor === "" ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}`;
    const { status, body, text } = await instance.getSecret<{ [K in Key]: Row[] } & { next_cursor: string | null }>(
      from,
    );
    if (status !== 200) throw new Error(text);
    pages.push(body[key]);
    cursor = body.next_cursor;
    between();
  }
  return pages;
}

export const peoplePages = (instance: TestInstance, path: string, between?: () => void): Promise<PersonAnswer[][]> =>
  pagesOf(instance, path, "people", between);

export const eventPages = (instance: TestInstance, path: string): Promise<EventAnswer[][]> =>
  pagesOf(instance, path, "events");

export async function peopleAt(instance: TestInstance, path: string): Promise<PeopleAnswer> {
  return (await instance.getSecret<PeopleAnswer>(path)).body;
}

/** What a browser does: one event of a visitor. */
export function pageView(visitor: string, atMs: number, url = "/pricing"): object {
  return { event: "page_view", anonymous_id: visitor, url, timestamp: atMs };
}

export async function identify(instance: TestInstance, visitor: string | null, identity: object): Promise<string> {
  const body = { ...(visitor === null ? {} : { anonymous_id: visitor }), identity };
  const answer = await instance.postSecret<{ person_id: string }>("/identify", body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body.person_id;
}
