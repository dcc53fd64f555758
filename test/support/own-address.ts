import { networkInterfaces } from "node:os";

/** The address that this machine has for others, where it has one. */
export const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
