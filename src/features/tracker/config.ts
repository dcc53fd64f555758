/** How the tracker is served: under which names, and which signals of the browser it obeys. */
export type TrackerConfig = {
  paths: { script: readonly string[]; events: string };
  honour: { global_privacy_control: boolean; do_not_track: boolean };
};

const defaultTrackerConfig: TrackerConfig = {
  paths: { script: ["/s.js", "/t.js"], events: "/v1/e" },
  honour: { global_privacy_control: true, do_not_track: true },
};

/** The text in the script that says all this; as it stands in the built one. */
export const shippedPolicy = policyText(defaultTrackerConfig);

export function policyText({ paths, honour }: TrackerConfig): string {
  const signals = [
    honour.global_privacy_control ? "globalPrivacyControl" : [],
    honour.do_not_track ? "doNotTrack" : [],
  ].flat();
  const selector = paths.script.map((path) => `[src*="${path}"]`).join();
  return [selector, paths.events, "/identify", ...signals].join(" ");
}
