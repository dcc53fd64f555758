/** Of the page's own look where it can be, and the page may say otherwise in a few variables. */
export const magnetStyle = `
:host { display: block; color: var(--do-intent-text, inherit); font: var(--do-intent-font, inherit);
  --accent: var(--do-intent-accent, #1d4ed8); --on-accent: var(--do-intent-on-accent, #fff); --error: var(--do-intent-error, #b42318);
  --radius: var(--do-intent-radius, 10px); --edge: color-mix(in srgb, currentColor 55%, transparent); }
:host([hidden]) { display: none; }
*, *::before { box-sizing: border-box; }
h2 { font-size: 1.375em; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
p { margin: .6em 0 0; overflow-wrap: anywhere; }
form, .after { margin-top: 1.1em; }
.field { border: 0; margin: 0 0 1em; padding: 0; min-width: 0; }
label, legend { display: block; font-weight: 600; margin: 0 0 .3em; padding: 0; }
input, select, textarea { font: inherit; color: inherit; accent-color: var(--accent); }
input:not([type=checkbox], [type=radio]), select, textarea { display: block; width: 100%; min-height: 2.9em; padding: .6em .75em;
  background: var(--do-intent-background, transparent); border: 1px solid var(--edge); border-radius: var(--radius); }
textarea { min-height: 6em; resize: vertical; }
.choice { display: flex; gap: .6em; align-items: flex-start; font-weight: 400; margin: 0; padding: .45em 0; }
.choice input { flex: none; width: 1.25em; height: 1.25em; margin: .15em 0 0; }
.problem { margin: 0 0 .4em; font-weight: 600; color: var(--error); }
.problem:empty, .summary:empty { display: none; }
.wrong :is(input, select, textarea):not([type=checkbox], [type=radio]) { border: 2px solid var(--error); }
.summary { border: 2px solid var(--error); border-radius: var(--radius); padding: .7em .9em; margin: 0 0 1.1em; font-weight: 600; }
.button { display: block; width: 100%; min-height: 3em; padding: .7em 1.2em; border: 2px solid var(--accent); border-radius: var(--radius);
  background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 650; text-align: center; text-decoration: none; cursor: pointer; }
.button[aria-disabled=true] { cursor: progress; }
.second { background: transparent; color: var(--accent); }
.after .button { margin-top: 1em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.trap { position: absolute; left: -200vw; width: 1px; height: 1px; overflow: hidden; }
`;
