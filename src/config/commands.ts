import { z } from "zod";
import {
  config,
  data,
  durability,
  host,
  log,
  logRequests,
  origins,
  port,
  secretKey,
  secretKeyFile,
} from "./environment.ts";
import {
  atMs,
  destination,
  file,
  goal,
  limit,
  sinceMs,
  someDestination,
  url,
  who,
  withinMs,
  writeKey,
} from "./operands.ts";
import {
  baseUrl,
  campaign,
  campaignName,
  format,
  hash,
  landing,
  leads,
  level,
  out,
  rows,
  utm,
  view,
} from "./operands-campaigns.ts";
import { compact, full, json } from "./operands-doctor.ts";
import { keyId, keyKind, keyName, keyScopes } from "./operands-keys.ts";
import { mergeId, ofPerson, reviewId, reviewState, server } from "./operands-merges.ts";
import { auditSinceMs, person, subject } from "./operands-privacy.ts";
import { backupFile, changedSinceMs, exportFormat, loopbackHost, replace, table } from "./operands-upkeep.ts";

const serveSchema = z.strictObject({
  data,
  port,
  host,
  origins,
  config,
  durability,
  log,
  logRequests,
  secretKey,
  secretKeyFile,
});

export type ServeOptions = z.infer<typeof serveSchema>;

/** Every command with what it takes; fields without flag and variable are words behind it, in this order. */
export const COMMANDS = {
  serve: { help: "take in events, score, signal; also without a command", takes: serveSchema },
  "config check": { help: "say whether a config file holds, and what to mend", takes: z.strictObject({ file }) },
  "config try": {
    help: "what a config file would change, by the stored data: who moves to another level, and why",
    takes: z.strictObject({ file, limit, data, config }),
  },
  "config print": { help: "the config in force with its hash, secrets left out", takes: z.strictObject({ config }) },
  "config schema": { help: "the JSON Schema of intent.json, for editors", takes: z.strictObject({}) },
  explain: {
    help: "every point of a person's or an account's score",
    takes: z.strictObject({ who, atMs, data, config }),
  },
  rescore: {
    help: "bring everybody's past along after half-lives or conditions changed; stop the server first",
    takes: z.strictObject({ data, config }),
  },
  calibrate: {
    help: "suggest points from who reached a goal; prints an intent.json to review, applies nothing",
    takes: z.strictObject({ goal, withinMs, data, config }),
  },
  destinations: { help: "how each destination fares, and what waits", takes: z.strictObject({ data, config }) },
  "destinations test": {
    help: "send a marked test signal, and say what answered",
    takes: z.strictObject({ destination, config }),
  },
  "destinations replay": {
    help: "send again what a destination, or all of them, got since a time",
    takes: z.strictObject({ someDestination, sinceMs, data, config }),
  },
  "keys list": { help: "every key: what it may do, and when it was last used", takes: z.strictObject({ data }) },
  "keys create": {
    help: "make a key; works beside a running server",
    takes: z.strictObject({ keyName, keyKind, keyScopes, data }),
  },
  "keys revoke": {
    help: "end a key; a running server refuses it within two seconds",
    takes: z.strictObject({ keyId, data }),
  },
  "campaign create": {
    help: "give everybody on a list a link of their own; writes campaign-NAME-urls.csv, works beside a running server",
    takes: z.strictObject({ campaignName, leads, baseUrl, landing, utm, out, url, data, config }),
  },
  "campaign export": {
    help: "print a campaign's list with its links once more",
    takes: z.strictObject({ campaign, hash, url, data, config }),
  },
  report: {
    help: "what a sales team looks at: high-intent-leads, campaign-performance, recent-sessions, intent-distribution",
    takes: z.strictObject({ view, format, level, rows, hash, data, config }),
  },
  merges: { help: "who was merged into whom, the latest first", takes: z.strictObject({ ofPerson, data }) },
  "merges undo": {
    help: "part two people again; stop the server first, or name it with --server",
    takes: z.strictObject({ mergeId, data, config, server, secretKey }),
  },
  reviews: {
    help: "merges that wait for a person's eye, the latest first",
    takes: z.strictObject({ reviewState, data }),
  },
  "reviews approve": {
    help: "make one of a review's people, and attach what was claimed; stop the server first, or name it",
    takes: z.strictObject({ reviewId, data, config, server, secretKey }),
  },
  "reviews reject": {
    help: "keep a review's people apart; stop the server first, or name it",
    takes: z.strictObject({ reviewId, data, config, server, secretKey }),
  },
  export: {
    help: "print a whole table for a warehouse or a spreadsheet, beside a running server",
    takes: z.strictObject({ table, exportFormat, changedSinceMs, hash, data, config }),
  },
  backup: {
    help: "copy the whole data folder into one file, beside a running server; the copy is looked through",
    takes: z.strictObject({ backupFile, data }),
  },
  restore: {
    help: "put a backup in the place of the data folder's database; stop the server first",
    takes: z.strictObject({ backupFile, data, replace }),
  },
  doctor: {
    help: "look at all a server stands on: what is wrong, what it means, what to do; works beside a running server",
    takes: z.strictObject({ data, config, origins, full, json, compact }),
  },
  "people erase": {
    help: "erase a person, with whoever was merged into them; what is sent again does not bring them back",
    takes: z.strictObject({ person, data }),
  },
  "people export": {
    help: "everything that is stored about a person, as JSON",
    takes: z.strictObject({ person, data, config }),
  },
  audit: {
    help: "who read, exported, erased, merged, or changed what, the newest first",
    takes: z.strictObject({ subject, auditSinceMs, data }),
  },
  "install-service": {
    help: "print a hardened systemd unit, and say how to enable it",
    takes: z.strictObject({ config, host: loopbackHost, port, origins }),
  },
  snippet: {
    help: "the script tag for plain HTML, Tag Manager, WordPress, Next.js and Shopify",
    takes: z.strictObject({ url, writeKey, config }),
  },
  demo: { help: "a made-up site with the tracker on it, to see it happen", takes: z.strictObject({ port, config }) },
  version: { help: "the version; also --version", takes: z.strictObject({}) },
  help: { help: "this page; also --help and -h", takes: z.strictObject({}) },
} as const;

export type CommandName = keyof typeof COMMANDS;

export type Command = {
  [Name in CommandName]: { name: Name; options: z.infer<(typeof COMMANDS)[Name]["takes"]> };
}[CommandName];
