import { contrastOf } from "../../core/contrast.ts";
import type { Magnet, Palette } from "../../core/magnet.ts";

const CONTRAST_MIN = 4.5;
/** Reds of every brightness; the first that can be read on the page is taken. */
const REDS = ["#b42318", "#d92d20", "#f97066", "#fda29b", "#fecdca"];

const RULES = `
*, *::before, *::after { box-sizing: border-box; }
html { background: var(--page); color: var(--text); font: 100%/1.55 var(--font); -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; align-items: center; }
main { width: 100%; max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem; display: grid; gap: 2rem; }
h1 { font-size: clamp(1.75rem, 1.2rem + 2.4vw, 2.75rem); line-height: 1.15; letter-spacing: -.02em; margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
.about p { font-size: 1.0625rem; max-width: 34rem; margin: 1rem 0 0; overflow-wrap: anywhere; text-wrap: pretty; }
.card { background: var(--background); border: 1px solid var(--line); border-radius: calc(var(--radius) * 1.6); padding: 1.5rem; box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 12px 32px -12px rgb(0 0 0 / .16); }
.single { max-width: 36rem; }
.single p { margin: .75rem 0 0; }
.field { border: 0; margin: 0 0 1.1rem; padding: 0; min-width: 0; }
label, legend { display: block; font-weight: 600; font-size: .9375rem; margin: 0 0 .35rem; padding: 0; }
.optional { font-weight: 400; color: var(--quiet); }
input, select, textarea { font: inherit; color: inherit; accent-color: var(--accent); }
input:not([type=checkbox], [type=radio]), select, textarea { display: block; width: 100%; min-height: 2.9rem; padding: .6rem .75rem; background: var(--background); border: 1px solid var(--edge); border-radius: var(--radius); }
select option { background: var(--background); color: var(--text); }
select { padding-left: .5rem; }
textarea { min-height: 6rem; resize: vertical; }
.choice { display: flex; gap: .6rem; align-items: flex-start; font-weight: 400; font-size: 1rem; margin: 0; padding: .45rem 0; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; }
.problem { display: flex; gap: .4rem; margin: 0 0 .5rem; font-size: .9375rem; font-weight: 600; color: var(--error); }
.problem::before { content: "!" / ""; flex: none; width: 1.2em; height: 1.2em; margin-top: .18em; border-radius: 50%; background: var(--error); color: var(--background); font-size: .85em; line-height: 1.2; text-align: center; }
.wrong :is(input, select, textarea):not([type=checkbox], [type=radio]) { border: 2px solid var(--error); }
.summary { border: 2px solid var(--error); border-radius: var(--radius); padding: .75rem .9rem; margin: 0 0 1.25rem; font-weight: 600; }
.button { display: block; width: 100%; min-height: 3rem; padding: .75rem 1.25rem; border: 2px solid var(--accent); border-radius: var(--radius); background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 650; text-align: center; text-decoration: none; cursor: pointer; }
.button:hover { filter: brightness(1.08); }
.second { background: transparent; color: var(--accent); }
.single .button { margin-top: 1.25rem; }
.apart { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: .25rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.homepage { position: absolute; left: -200vw; width: 1px; height: 1px; overflow: hidden; }
@media (min-width: 52rem) {
  .offer { grid-template-columns: minmax(0, 1fr) minmax(20rem, 26rem); gap: clamp(2.5rem, 6vw, 5rem); align-items: start; padding: 4rem 2rem; }
  .about { padding-top: 2rem; position: sticky; top: 2rem; }
  .card { padding: 2rem; }
  .single { margin: 0 auto; width: 100%; }
}
@media (prefers-reduced-motion: no-preference) { .button { transition: filter .15s; } }
`;

type Style = { text: string; hash: string };

/** One per magnet; a changed config is another one. */
const made = new WeakMap<Magnet, Style>();

/** The page's own style sheet, and the hash by which its policy lets it in and nothing else. */
export function styleOf(magnet: Magnet): Style {
  const known = made.get(magnet);
  if (known !== undefined) return known;
  const { light, dark, font, radius } = magnet.theme;
  const variables = `color-scheme: light dark; --font: ${font}; --radius: ${radius}px;`;
  const text = `:root { ${variables} ${colours(light)} }
@media (prefers-color-scheme: dark) { :root { ${colours(dark)} } }${RULES}`;
  const style = { text, hash: new Bun.CryptoHasher("sha256").update(text).digest("base64") };
  made.set(magnet, style);
  return style;
}

/** What the three given colours mean for the others; text stays readable whatever they are. */
function colours({ accent, background, text }: Palette): string {
  const onAccent = contrastOf("#ffffff", accent) >= contrastOf("#0b0f19", accent) ? "#ffffff" : "#0b0f19";
  const error = REDS.find((red) => contrastOf(red, background) >= CONTRAST_MIN) ?? text;
  const mixed = (share: number) => `color-mix(in srgb, ${text} ${share}%, ${background})`;
  return [
    `--accent: ${accent};`,
    `--on-accent: ${onAccent};`,
    `--background: ${background};`,
    `--page: ${mixed(4)};`,
    `--text: ${text};`,
    `--quiet: ${mixed(88)};`,
    `--line: ${mixed(14)};`,
    `--edge: ${mixed(65)};`,
    `--error: ${error};`,
  ].join(" ");
}
