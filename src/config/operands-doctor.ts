import { z } from "zod";
import { options } from "./option.ts";

/** A flag that stands alone. */
const toggle = () =>
  z
    .enum(["true", "false"])
    .transform((said) => said === "true")
    .prefault("false");

export const full = toggle().register(options, {
  flag: "--full",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "compare every index with its table too, which takes longer",
});

export const json = toggle().register(options, {
  flag: "--json",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "print JSON, for programs",
});

export const compact = toggle().register(options, {
  flag: "--compact",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "write the database anew without the room that is free in it; stop the server first",
});
