/**
 * Who opens the links of a mail besides people. `agent` is what gives them away where they say who they are; most come
 * with the name of an ordinary browser and from addresses of a cloud, and are known by what they do: see opening.ts.
 */
const MAIL_SCANNERS: readonly { name: string; habit: string; agent: RegExp | null }[] = [
  {
    name: "Microsoft Safe Links, Defender",
    habit: "opens links when the mail arrives and again when one is clicked, in a sandboxed browser that runs scripts",
    agent: /safelinks|microsoft[- ]url|ms-?defender|microsoft (threat|security)|office ?365|o365/i,
  },
  {
    name: "Microsoft Office",
    habit: "asks for the link itself before it hands it to the browser, which then asks once more",
    agent: /ms-office|msoffice|^microsoft office|microsoft-webdav|microsoft-cryptoapi|skypeuripreview/i,
  },
  {
    name: "Proofpoint URL Defense",
    habit: "opens links on arrival and at the click, mostly under the name of a browser",
    agent: /proofpoint|urldefense/i,
  },
  { name: "Mimecast URL Protect", habit: "the same", agent: /mimecast/i },
  {
    name: "Barracuda",
    habit: "opens every link of a suspicious mail at once, hidden ones too; some of its services say their name",
    agent: /barracuda|cudasvc/i,
  },
  { name: "Cisco, IronPort", habit: "opens links on arrival", agent: /ironport|cisco ?secure|ciscosecure/i },
  {
    name: "Sophos, Trend Micro, Symantec, Fortinet, FireEye, Forcepoint, McAfee, Kaspersky, Zscaler, Check Point",
    habit: "open links on arrival, rarely under their own name",
    agent:
      /sophos|trend ?micro|\btmes\b|symantec|messagelabs|forti(net|mail|guard)|fireeye|trellix|forcepoint|mcafee|kaspersky|zscaler|check ?point|bitdefender|vade ?secure|hornetsecurity|spamexperts/i,
  },
  {
    name: "scanners that share one made-up browser",
    habit:
      "a version of Edge that no machine has had for years, with a second name behind it; or no more than a first word",
    agent: /^mozilla\/\d\.\d$|chrome\/42\.0\.2311\.135 safari\/537\.36 edge\/12\.246/i,
  },
  {
    name: "programs",
    habit: "nobody reads mail with one, whatever they may do elsewhere",
    agent:
      /^(apache-httpclient|axios|bun|curl|dart|deno|faraday|go-http-client|got|guzzlehttp|httpie|insomnia|java|libwww|node|okhttp|php|postmanruntime|python|reqwest|ruby|undici|wget)\b|headlesschrome|phantomjs/i,
  },
];

const AGENTS = MAIL_SCANNERS.flatMap(({ agent }) => agent ?? []);

/** Longer names than browsers have are cut, so that nobody makes the look-up slow. */
const AGENT_LENGTH_MAX = 500;

export function isMailScanner(userAgent: string): boolean {
  const known = userAgent.slice(0, AGENT_LENGTH_MAX).trim();
  return AGENTS.some((agent) => agent.test(known));
}
