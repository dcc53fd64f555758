const STYLE = `
:root { background: light-dark(#fff, #16181c); color: light-dark(#1a1a1a, #e8e8e8); color-scheme: light dark; }
a { color: light-dark(#0645ad, #8ab4f8); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { border-bottom: 1px solid #8884; font-size: 1.25rem; margin: 2.5rem 0 0; }
h3 { font-size: 1rem; margin: 1.5rem 0 0; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
dl { display: grid; gap: .1rem 1rem; grid-template-columns: minmax(6rem, max-content) 1fr; margin: .25rem 0 0; }
dt { color: color-mix(in srgb, currentColor 70%, transparent); max-width: 18rem; }
dd { margin: 0; }
@media (max-width: 40rem) { dl { display: block; } dd { margin: 0 0 .25rem 1rem; } }
dl code { display: inline-block; }
.plain { display: flex; flex-wrap: wrap; gap: 0 1rem; list-style: none; margin: .75rem 0 0; padding: 0; }
p { margin: .25rem 0; }
.score { font-size: 2.5rem; font-weight: 700; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 1.5rem; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .35rem .6rem; text-align: left; vertical-align: top; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
.group td { font-weight: 600; padding-top: 1rem; }
small { color: color-mix(in srgb, currentColor 70%, transparent); }
`;

const STYLE_HASH = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");

/** One cell of a table: what it says, and whether it is a number. */
export type Cell = { text: string; isNumber: boolean };

/** A page that somebody reads with a link: no script, nothing from elsewhere, kept by nobody on the way. */
export function readingPage(title: string, body: string): Response {
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

export function tableOf(
  head: readonly Cell[],
  rows: readonly { cells: readonly Cell[]; isHeading: boolean }[],
): string {
  const headCells = head.map(({ text, isNumber }) => `<th scope="col"${classOf(isNumber)}>${escapeHtml(text)}</th>`);
  const lines = rows.map(({ cells, isHeading }) => {
    const texts = cells.map(({ text, isNumber }) => `<td${classOf(isNumber)}>${escapeHtml(text)}</td>`);
    return `<tr${isHeading ? ' class="group"' : ""}>${texts.join("")}</tr>`;
  });
  return `<div class="scroll"><table>
<thead><tr>${headCells.join("")}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody>
</table></div>`;
}

export function escapeHtml(text: string): string {
  return Bun.escapeHTML(text);
}

function classOf(isNumber: boolean): string {
  return isNumber ? ' class="number"' : "";
}
