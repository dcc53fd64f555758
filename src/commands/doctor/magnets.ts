import type { IntentConfig } from "../../config/intent.ts";
import { magnetsFolderOf } from "../../config/magnets.ts";
import { withoutFile } from "../../features/magnets/file.ts";
import { type Finding, fail, ok } from "./finding.ts";

/** Whether what lead magnets promise can be given. */
export function examineMagnets(config: IntentConfig, dataFolder: string): Finding[] {
  const folder = magnetsFolderOf(config, dataFolder);
  const missing = new Set(withoutFile(config.magnets, folder));
  return config.magnets.map((magnet) => {
    const check = `magnet ${magnet.slug}`;
    if (!missing.has(magnet)) return ok(check, `/m/${magnet.slug}`);
    return fail(check, `its file is not in ${folder}`, `put ${magnet.file} there, or mend file or magnets_folder`);
  });
}
