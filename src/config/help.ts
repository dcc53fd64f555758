import type { z } from "zod";
import { COMMANDS } from "./commands.ts";
import { fieldsOf } from "./flags.ts";
import type { Option } from "./option.ts";

const WIDTH_MAX = 100;
const LEFT_WIDTH = 34;

const REFERENCE = `\
Endpoints: public, guarded by --origin and, if intent.json asks for it, by the write key
  POST /track  (also /v1/e)       one event, a list, or {"events":[...],"sent_at":...}
  GET  /live                      a WebSocket: each text frame is a body of POST /track, and is
                                  answered by one: {"status":200,"body":{...}}
  POST /identify                  {"anonymous_id":"...","identity":{"email":"...",...}}
  GET, HEAD /c/CAMPAIGN/LINK      a campaign's link: leads on to its landing page
  GET  /p                         what a visitor may be shown of themselves: ?i= &anonymous_id=
  GET  /m/SLUG                    a lead magnet's page; /m/SLUG/form.json is its form
  POST /m/SLUG                    the form, sent; GET /m/SLUG/thanks/GRANTED and /m/SLUG/file are
                                  what it leads to, by signed links
  GET  /s.js  (also /t.js)        the tracker script. It fetches /s/observe.js, /s/personalize.js
                                  and /s/magnet.js; for bundlers /s.mjs and /s.d.ts
  GET  /health                    200 only when a write would work
  GET  /ready                     200 only when more requests should come here
  GET  /openapi.json              every endpoint for programs; GET /docs is it as a page

Endpoints: with a secret key, as "Authorization: Bearer KEY". What only reads takes its scope read;
what changes something, and /suppressions, /audit and /keys, take its scope admin
  GET /people                     ?level= &limit= &cursor=, or ?email= ?anonymous_id= ?user_id= ...
  GET /people/ID                  one person; also /people/ID/events
  GET /people/ID/explain          ?at=TIME; every point of the score. /people/ID/explanation
                                  is a page of it, for a key or by the signed link of a message
  GET /merges                     ?person=PERSON_ID &undone= &limit= &cursor=
  POST /merges/ID/undo            each side gets its identities, and the score it would have had
  GET /reviews                    ?state=open|approved|rejected; merges that wait for a person's eye
  POST /reviews/ID/approve        or /reviews/ID/reject
  DELETE /people/ID               erases a person for good, or DELETE /people?email= &user_id= ...
                                  GET /people/ID/export is all there is, as JSON
  GET, DELETE /suppressions       ?email= ...: who was erased is not taken in again until lifted
  GET /audit                      ?subject= &since= &limit= &cursor=; who read and changed what
  GET /accounts                   ?level= &sort=score|momentum &limit= &cursor=
  GET /accounts/DOMAIN            ?at=TIME; one company, and the people who make up its score;
                                  as a page: /accounts/DOMAIN/explanation
  GET /attribution                ?by=source|campaign|landing|channel &level=
                                  &touch=first|last|last_non_direct
  POST /config/try                an intent.json: who would move to another level, and why
  GET /signals                    every crossing of a threshold, and where it went
  GET /destinations               how each fares; POST /destinations/NAME/test|pause|resume,
                                  /destinations/NAME/replay?since=TIME sends again what it got
  GET /deliveries                 ?state=pending|delivered|dead; POST /deliveries/ID/replay
  POST /campaigns                 a CSV, with ?name= &base_url= &landing= &utm_source= ...,
                                  or a JSON of these with "leads":[{"email":"..."}]
  GET /campaigns                  the newest first; /campaigns/ID says what came of one
  GET /campaigns/ID/leads         ?status=sent|machine|pending|clicked|identified|converted
                                  &limit= &cursor= &hash=email
  GET /campaigns/ID/export.csv    the list with its links; ?hash=email
  GET /views, /views/NAME         high-intent-leads, campaign-performance, recent-sessions,
                                  intent-distribution; ?limit= &cursor= &format=csv &hash=email
  GET, POST /keys                 every key; POST {"name":"...","scopes":["read"]} makes one,
                                  DELETE /keys/ID ends it
  POST /backup                    the whole data folder as one file; ?compress=gzip
  GET /metrics                    what Prometheus scrapes
  POST /track and /identify answer with score, level, reasons and signals

Files
  the data folder (--data)        one SQLite database; one process at a time may use it
  intent.json (--config)          what is left out is as in the built-in config. "do-intent config
                                  print" shows it all. A change holds within two seconds;
                                  a broken file is reported, and the last good one stays in force.
                                  Secrets in it may be env:NAME or file:PATH.

Process signals
  SIGTERM, SIGINT                 answer what is under way, close the database, exit 0
  SIGHUP                          read intent.json again

Exit codes
  0  done        1  it failed, or the config checked is broken
  2  a command, a flag or a variable is wrong; the message says which and what it takes

Example
  do-intent serve --data /var/lib/do-intent --origin https://acme.com --config intent.json
  curl localhost:3000/track -d '{"event":"page_view","anonymous_id":"visitor-1","url":"/pricing"}'
  do-intent explain visitor-1 --data /var/lib/do-intent
`;

/** The manual: what `do-intent --help` prints. */
export function helpText(version: string): string {
  const commands = Object.entries(COMMANDS).flatMap(([name, { takes, help }]) => commandRows(name, takes, help));
  const schemas = new Map(
    Object.values(COMMANDS).flatMap(({ takes }) => fieldsOf(takes).map((field) => [field.option, field])),
  );
  return [
    `do-intent ${version}: scores every visitor as they act, and tells you when one gets serious.`,
    "",
    "Usage: do-intent [COMMAND] [FLAGS]",
    "",
    "Commands",
    ...commands,
    "",
    "Flags, with the variable that says the same; the flag wins",
    ...[...schemas.values()].flatMap(({ option, schema }) => (isWord(option) ? [] : optionRows(option, schema))),
    "",
    REFERENCE,
  ].join("\n");
}

function commandRows(name: string, takes: z.ZodObject, help: string): string[] {
  const fields = fieldsOf(takes).map(({ option }) => option);
  const words = fields.filter(isWord).map(({ placeholder }) => placeholder);
  const flags = name === "serve" ? [] : fields.flatMap(({ flag }) => flag ?? []);
  return rows([name, ...words].join(" "), flags.length === 0 ? help : `${help} (${flags.join(", ")})`);
}

function optionRows(option: Option, schema: z.ZodType): string[] {
  const { flag, variable, placeholder, takes, isRepeatable, isToggle, help } = option;
  const variableToo = flag === undefined || variable === undefined ? "" : ` ${variable}`;
  if (isToggle) return rows(`${flag}`, `${help}.${variableToo}`);
  const otherwise = option.otherwise ?? String(schema.safeParse(undefined).data);
  const left = flag === undefined ? `${variable}` : `${flag} ${placeholder}${isRepeatable ? " ..." : ""}`;
  return rows(left, `${help}: ${takes}. Default: ${otherwise}.${variableToo}`);
}

function isWord({ flag, variable }: Option): boolean {
  return flag === undefined && variable === undefined;
}

/** A term on the left and its text, wrapped, on the right. */
function rows(left: string, text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (LEFT_WIDTH + line.length + word.length < WIDTH_MAX)
      lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
    else lines.push(word);
  }
  const [first = "", ...others] = lines;
  const isShort = left.length + 3 < LEFT_WIDTH;
  const head = isShort ? [`  ${left}`.padEnd(LEFT_WIDTH) + first] : [`  ${left}`, " ".repeat(LEFT_WIDTH) + first];
  return [...head, ...others.map((line) => " ".repeat(LEFT_WIDTH) + line)];
}
