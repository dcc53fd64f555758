import { z } from "zod";
import { options, TEXT_LENGTH_MAX } from "./option.ts";

export const mergeId = z
  .string()
  .regex(/^mrg_[0-9a-z]{1,12}$/)
  .register(options, {
    placeholder: "MERGE_ID",
    takes: "the id of a merge, such as mrg_…; do-intent merges lists them",
    help: "the merge to undo",
  });

export const reviewId = z
  .string()
  .regex(/^rev_[0-9a-z]{1,12}$/)
  .register(options, {
    placeholder: "REVIEW_ID",
    takes: "the id of a review, such as rev_…; do-intent reviews lists them",
    help: "the review to decide",
  });

export const ofPerson = z
  .string()
  .regex(/^per_[0-9a-z]{1,12}$/)
  .nullable()
  .default(null)
  .register(options, {
    flag: "--person",
    placeholder: "PERSON_ID",
    takes: "the id of a person, such as per_…",
    otherwise: "everybody",
    help: "whose merges to list",
  });

export const reviewState = z.enum(["open", "approved", "rejected"]).default("open").register(options, {
  flag: "--state",
  placeholder: "STATE",
  takes: "open, approved or rejected",
  help: "which reviews to list",
});

export const server = z
  .url({ protocol: /^https?$/ })
  .max(TEXT_LENGTH_MAX)
  .transform((given) => given.replace(/\/+$/, ""))
  .nullable()
  .default(null)
  .register(options, {
    flag: "--server",
    variable: "DO_INTENT_SERVER",
    placeholder: "URL",
    takes: "an address such as http://localhost:3000",
    otherwise: "none, the data folder is changed itself, while no server runs on it",
    help: "the running server to do it, with the key in DO_INTENT_SECRET_KEY",
  });
