/**
 * How to find the tag, events path, identify path, then the privacy signals of the browser to honour. It is one text because the
 * server puts another one in its place when its config says otherwise.
 */
const policy = '[src*="/s.js"],[src*="/t.js"] /v1/e /identify globalPrivacyControl doNotTrack';

export const [tagSelector, eventsPath, identifyPath, ...honoured] = policy.split(" ") as [
  string,
  string,
  string,
  ...string[],
];
