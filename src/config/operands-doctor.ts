import { options, toggleSchema } from "./option.ts";

export const full = toggleSchema().register(options, {
  flag: "--full",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "compare every index with its table too, which takes longer",
});

export const json = toggleSchema().register(options, {
  flag: "--json",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "print JSON, for programs",
});

export const compact = toggleSchema().register(options, {
  flag: "--compact",
  isToggle: true,
  placeholder: "",
  takes: "no value",
  help: "write the database anew without the room that is free in it; stop the server first",
});
