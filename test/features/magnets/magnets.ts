import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folder.ts";
import { type Answer, BROWSER, type StartOptions, startInstance, type TestInstance } from "../../support/instance.ts";

export const GUIDE = {
  slug: "roi-guide",
  title: "The ROI guide",
  description: "Forty pages of arithmetic.\n\nRead it in an evening.",
  file: "roi-guide.pdf",
  fields: [
    { name: "name", label: "Your name", required: true },
    { name: "team_size", label: "Team size", type: "number" },
    { name: "timing", label: "When do you buy?", type: "select", options: ["Now", "This year", "Just looking"] },
  ],
  booking: { url: "https://cal.example/ada", when: { traits: { timing: "Now" } } },
};

export type Form = {
  slug: string;
  started: string;
  honeypot: string;
  fields: { name: string; type: string; required: boolean }[];
};
export type Taken = { download_url: string | null; booking_url: string | null; message: string };
export type Refused = {
  error: { code: string; message: string };
  errors: { [field: string]: string };
  started: string;
};

/** An instance with files to give, and ways to fill a form in as people do. */
export type MagnetInstance = TestInstance & {
  folder: string;
  /** Fetches a form and lets time pass, as a reader does. */
  form(slug?: string): Promise<Form>;
  send<Body = Taken>(
    fields: object,
    options?: { slug?: string; headers?: { [name: string]: string } },
  ): Promise<Answer<Body>>;
  /** A browser's own form, without JavaScript. */
  sendPlain(
    fields: { [name: string]: string },
    options?: { query?: string; headers?: { [name: string]: string } },
  ): Promise<Answer<null>>;
};

export const READING_MS = 20_000;
export const FILE_TEXT = "%PDF-1.4 forty pages of arithmetic";

export function startMagnets(magnets: object[] = [GUIDE], options: StartOptions = {}): MagnetInstance {
  const own = temporaryFolder();
  const folder = join(own.path, "magnets");
  mkdirSync(folder);
  writeFileSync(join(folder, "roi-guide.pdf"), FILE_TEXT);
  const intent = { magnets, magnets_folder: folder, ...options.intent };
  const instance = startInstance({ ...options, intent });
  const send = <Body>(fields: object, { slug = "roi-guide", headers = {} }: { slug?: string; headers?: object } = {}) =>
    instance.post<Body>(`/m/${slug}`, fields, {
      accept: "application/json",
      "content-type": "application/json",
      "user-agent": BROWSER,
      ...headers,
    });
  return {
    ...instance,
    folder,
    form: async (slug = "roi-guide") => {
      const { body } = await instance.get<Form>(`/m/${slug}/form.json`);
      instance.clock.nowMs += READING_MS;
      return body;
    },
    send,
    sendPlain: (fields, { query = "", headers = {} } = {}) =>
      instance.post<null>(`/m/roi-guide${query}`, new URLSearchParams(fields).toString(), {
        accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": BROWSER,
        ...headers,
      }),
    [Symbol.asyncDispose]: async () => {
      await instance[Symbol.asyncDispose]();
      own[Symbol.dispose]();
    },
  };
}
