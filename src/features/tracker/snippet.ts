export type SnippetFacts = {
  /** Where the server is reached, without a slash at the end. */
  url: string;
  scriptPath: string;
  integrity: string;
  writeKey: string | null;
};

const CALLS = "identify track page consent reset optOut on id";

/**
 * Lets a page call before the script has come, and whoever took a function out of it calls the script ever after. There is
 * no id yet to wait for.
 */
const STUB = `<script>!function(d){d.q=d.q||[];"${CALLS}".split(" ").forEach(function(n){d[n]=d[n]||function f(){if(d[n]!==f)return d[n].apply(d,arguments);if(n!=="id")d.q.push([n,arguments])}})}(window.doIntent=window.doIntent||{})</script>`;

/** The tag for the places where people paste such things. */
export function snippetText({ url, scriptPath, integrity, writeKey }: SnippetFacts): string {
  const src = `${url}${scriptPath}`;
  const key = writeKey === null ? "" : ` data-key="${writeKey}"`;
  const tag = `<script async src="${src}"${key}></script>`;
  const sections: [title: string, lines: string[]][] = [
    ["Plain HTML: before </head>", [tag]],
    [
      "Google Tag Manager: Tags > New > Custom HTML, trigger Initialization - All Pages",
      [
        "<script>",
        '  var s = document.createElement("script");',
        `  s.async = true; s.src = "${src}";${writeKey === null ? "" : ` s.dataset.key = "${writeKey}";`}`,
        "  document.head.appendChild(s);",
        "</script>",
      ],
    ],
    ["WordPress: functions.php of the child theme", [`add_action('wp_head', function () { echo '${tag}'; });`]],
    [
      "Next.js: app/layout.tsx, inside <body>",
      ['import Script from "next/script";', `<Script src="${src}"${key} strategy="afterInteractive" />`],
    ],
    ["Shopify: Online Store > Themes > Edit code > layout/theme.liquid, before </head>", [tag]],
    ["For calls that may come before the script, anywhere above the first one", [STUB]],
    [
      "With subresource integrity: browsers then refuse any other version, so change it with every update",
      [`<script async src="${src}"${key} integrity="${integrity}" crossorigin="anonymous"></script>`],
    ],
  ];
  return sections.map(([title, lines]) => [title, "", ...lines.map((line) => `  ${line}`)].join("\n")).join("\n\n");
}
