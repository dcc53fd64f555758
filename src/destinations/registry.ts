import type { DestinationConfig } from "./config.ts";
import { discord } from "./discord.ts";
import { file } from "./file.ts";
import { http } from "./http.ts";
import { hubspot } from "./hubspot.ts";
import type { Destination } from "./interface.ts";
import { log } from "./log.ts";
import { salesforce } from "./salesforce.ts";
import { slack } from "./slack.ts";
import { teams } from "./teams.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";

/** One per config, since some hold a token or the size of a file; a changed config is another one. */
const made = new WeakMap<DestinationConfig, Destination>();

export function destinationOf(config: DestinationConfig): Destination {
  const known = made.get(config);
  if (known !== undefined) return known;
  const destination = make(config);
  made.set(config, destination);
  return destination;
}

function make(config: DestinationConfig): Destination {
  switch (config.type) {
    case "webhook":
      return webhook(config);
    case "log":
      return log(config);
    case "file":
      return file(config);
    case "slack":
      return slack(config);
    case "telegram":
      return telegram(config);
    case "teams":
      return teams(config);
    case "discord":
      return discord(config);
    case "hubspot":
      return hubspot(config);
    case "salesforce":
      return salesforce(config);
    case "http":
      return http(config);
  }
}
