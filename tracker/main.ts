import { tagSelector } from "./policy.ts";
import { start } from "./start.ts";
import type { Call } from "./types.ts";

interface Stub {
  q?: Call[];
  /** The script was here. */
  v?: 1;
}

const page = window as { doIntent?: Stub };
// A second tag changes nothing; the page may hold on to the stub, so it becomes the real thing.
// biome-ignore lint/suspicious/noAssignInExpressions: shorter, and there is no room
const stub = (page.doIntent ??= {});
// By its address where need be, because a module script does not know its own tag.
const tag = document.currentScript ?? document.querySelector(tagSelector);

if (!stub.v && tag) {
  stub.v = 1;
  const { src, dataset } = tag as HTMLScriptElement;
  Object.assign(stub, start({ endpoint: src.replace(/\/[^/]*$/, ""), ...dataset }, stub.q));
}
