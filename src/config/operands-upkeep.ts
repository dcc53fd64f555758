import { z } from "zod";
import { options, pathSchema } from "./option.ts";

export const backupFile = pathSchema().register(options, {
  placeholder: "FILE",
  takes: "the path of a file; with .gz at its end it is compressed",
  help: "the backup",
});

export const replace = z
  .enum(["true", "false"])
  .transform((said) => said === "true")
  .prefault("false")
  .register(options, {
    flag: "--replace",
    isToggle: true,
    placeholder: "",
    takes: "no value",
    help: "put the backup in the place of what the data folder holds, which is kept beside it",
  });
