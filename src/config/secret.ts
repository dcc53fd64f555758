import { z } from "zod";
import { type DestinationConfig, destinationSchema } from "../destinations/config.ts";

const REFERENCE_PATTERN = /^(env|file):/;

type Node = z.core.JSONSchema.BaseSchema;

let known: Node | null = null;

/** Made when first needed, since it takes longer than all the rest of a start. */
function destinationNode(): Node {
  known ??= z.toJSONSchema(destinationSchema, { io: "input" });
  return known;
}

/** The destination with every secret that stands in it replaced by a reference which the schema takes. */
export function withoutSecrets(destination: DestinationConfig): DestinationConfig {
  const nodes = branchesOf([destinationNode()]).filter(({ properties }) => {
    const type = properties?.type;
    return typeof type === "object" && type.const === destination.type;
  });
  return replaceSecrets(destination, nodes, ["DO_INTENT_DESTINATION", destination.name]) as DestinationConfig;
}

function replaceSecrets(value: unknown, nodes: Node[], place: string[]): unknown {
  const branches = branchesOf(nodes);
  if (typeof value === "string") {
    const isSecret = branches.some(({ writeOnly }) => writeOnly === true) && !REFERENCE_PATTERN.test(value);
    return isSecret ? `env:${place.join("_").toUpperCase().replace(/\W/g, "_")}` : value;
  }
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const items = branches.flatMap((node) => nodesIn(node.items));
    return value.map((item, index) => replaceSecrets(item, items, index === 0 ? place : [...place, String(index + 1)]));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const below = branches.flatMap((node) => nodesIn(node.properties?.[key] ?? node.additionalProperties));
      return [key, replaceSecrets(item, below, [...place, key])];
    }),
  );
}

/** The nodes themselves and, within a choice, its branches, to which an annotation of the choice belongs as well. */
function branchesOf(nodes: Node[]): Node[] {
  return nodes.flatMap((node) => [node, ...branchesOf([...nodesIn(node.anyOf), ...nodesIn(node.oneOf)])]);
}

function nodesIn(part: unknown): Node[] {
  return [part].flat().filter((node): node is Node => node !== null && typeof node === "object");
}
