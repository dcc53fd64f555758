import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, until, type Visitor, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => world.tidy());
afterAll(() => world.close());

/** Opens a page and waits until its observers are there. */
async function open(visitor: Visitor, body: string, attributes = "async"): Promise<string> {
  const path = world.page(body, world.tag(attributes));
  await visitor.page.goto(world.site + path);
  await until("the view", () => visitor.events("page_view").length);
  return path;
}

/** Leaves the page and waits for what it says at the end. */
async function leave(visitor: Visitor): Promise<void> {
  const told = visitor.events("time_on_page").length;
  await visitor.page.goto("about:blank");
  await until("the last word", () => visitor.events("time_on_page").length > told);
}

const told = (visitor: Visitor, name: string) => visitor.events(name).map(({ properties }) => properties);

test("time is told at 15, 60 and 180 seconds", async () => {
  const visitor = await world.visitor();
  await visitor.page.clock.install();
  await open(visitor, "");
  for (const mark of [15, 60, 180]) {
    await visitor.page.clock.runFor(mark * 1000);
    await until(`the mark at ${mark}`, () =>
      told(visitor, "time_on_page").some(({ seconds }) => Number(seconds) >= mark),
    );
  }
  expect(told(visitor, "time_on_page").filter(({ leaving }) => !leaving).length).toBe(3);
});

test("8: scroll depth follows what comes late, and each step is told once", async () => {
  const visitor = await world.visitor();
  await open(visitor, `<div id="content" style="height:1200px"></div>`);
  const depths = () => told(visitor, "scroll_depth").map(({ percent }) => percent);
  const scroll = (top: number) => visitor.page.evaluate((to) => scrollTo(0, to), top);
  await scroll(50);
  await until("the first half", () => depths().length >= 2);
  await visitor.page.evaluate(() => document.getElementById("content")?.style.setProperty("height", "4800px"));
  await scroll(2000);
  await scroll(3100);
  await until("three quarters", () => depths().length >= 3);
  await scroll(100);
  await scroll(99_999);
  await until("the end", () => depths().length >= 4);
  await leave(visitor);
  expect(depths()).toEqual([25, 50, 75, 100]);
});

describe("clicks", () => {
  test.each([
    {
      what: "a button",
      html: `<button><b> Get </b> started</button>`,
      at: "b",
      tells: { text: "Get started", kind: "button" },
    },
    { what: "a link", html: `<a href="#more">More</a>`, at: "a", tells: { text: "More", kind: "link" } },
    {
      what: "a link to elsewhere",
      html: `<a href="https://other.example/x">Other</a>`,
      at: "a",
      tells: { kind: "outbound", href: "https://other.example/x" },
    },
    { what: "a download", html: `<a href="/price-list.pdf">List</a>`, at: "a", tells: { kind: "download" } },
    { what: "an address", html: `<a href="mailto:us@shop.example">Write</a>`, at: "a", tells: { kind: "mailto" } },
    { what: "a number", html: `<a href="tel:+4312345">Call</a>`, at: "a", tells: { kind: "tel" } },
    {
      what: "anything that has a name",
      html: `<div data-intent="compare-plans"><p>Compare</p></div>`,
      at: "p",
      tells: { name: "compare-plans", text: "Compare" },
    },
    {
      what: "30: a button in a shadow root",
      html: `<x-buy></x-buy><script>customElements.define("x-buy", class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: "open" }).innerHTML = "<button>Buy</button>" } })</script>`,
      at: "x-buy button",
      tells: { text: "Buy", kind: "button" },
    },
    {
      what: "an input that is a button",
      html: `<input type="button" value=" Get a  quote ">`,
      at: "input",
      tells: { text: "Get a quote", kind: "button" },
    },
    {
      what: "a button whose handler stops everything",
      html: `<button onclick="event.stopImmediatePropagation(); event.preventDefault()">Stop</button>`,
      at: "button",
      tells: { text: "Stop" },
    },
  ])("$what", async ({ html, at, tells }) => {
    const visitor = await world.visitor();
    await open(visitor, html);
    // What leaves the page is another test's matter.
    await visitor.page.evaluate(() => addEventListener("click", (event) => event.preventDefault()));
    await visitor.page.click(at);
    await until("the click", () => visitor.events("cta_click").length);
    expect(told(visitor, "cta_click")).toEqual([expect.objectContaining(tells)]);
  });

  test("the middle button opens a link too; the right one opens nothing", async () => {
    const visitor = await world.visitor();
    await open(visitor, `<a href="#more">More</a><button>Buy</button>`);
    await visitor.page.click("a", { button: "right" });
    await visitor.page.click("a", { button: "middle" });
    await visitor.page.click("button");
    await until("the clicks", () => visitor.events("cta_click").length >= 2);
    expect(told(visitor, "cta_click").map(({ text }) => text)).toEqual(["More", "Buy"]);
  });

  test("what was typed is in none of them, whatever has a name; the fields of a form are no buttons", async () => {
    const visitor = await world.visitor();
    await open(
      visitor,
      `<form data-intent="contact"><input name="email"><input name="matches"><textarea name="message"></textarea></form>
       <input data-intent="pin" type="password"><select data-intent="plan"><option>hidden words</option></select>
       <textarea data-intent="draft">hidden words</textarea><div data-intent="note" contenteditable></div>
       <div data-intent="comment"><b>Say it</b><p contenteditable></p></div>
       <div data-intent="code" role="textbox">hidden words</div>
       <div id="text" contenteditable><a href="https://hidden.words.example/">hidden words</a></div><button>Buy</button>`,
    );
    await visitor.page.evaluate(() => addEventListener("click", (event) => event.preventDefault()));
    for (const field of [
      "[name=email]",
      "[name=matches]",
      "[name=message]",
      "[data-intent=pin]",
      "[data-intent=draft]",
    ]) {
      await visitor.page.fill(field, "hidden words");
      await visitor.page.click(field);
    }
    for (const text of ["[data-intent=note]", "[data-intent=comment] p"]) {
      await visitor.page.fill(text, "hidden words");
      await visitor.page.click(text);
    }
    for (const other of ["[data-intent=plan]", "[data-intent=code]", "#text a", "button"]) {
      await visitor.page.click(other);
    }
    await until("the last click", () => told(visitor, "cta_click").some(({ text }) => text === "Buy"));
    expect(told(visitor, "cta_click").map(({ name, text }) => [name, text])).toEqual([
      ["pin", ""],
      ["draft", ""],
      ["note", ""],
      ["comment", ""],
      ["plan", ""],
      ["code", ""],
      [undefined, ""],
      [undefined, "Buy"],
    ]);
    expect(JSON.stringify(world.gate.sent)).not.toMatch(/hidden/);
  });

  test("data-auto names what is seen, and nothing else is", async () => {
    const visitor = await world.visitor();
    await open(visitor, `<button>Buy</button><form><input name="q"></form>`, `async data-auto="page time form"`);
    await visitor.page.click("button");
    await visitor.page.fill("input", "word");
    await leave(visitor);
    expect([...new Set(visitor.events().map(({ name }) => name))].sort()).toEqual([
      "form_abandon",
      "form_start",
      "page_view",
      "time_on_page",
    ]);
  });
});

describe("videos", () => {
  /** Silence of the given length, which every browser can play. */
  function silence(seconds: number): string {
    const rate = 8000;
    const data = rate * seconds;
    const header = Buffer.alloc(44);
    header.write("RIFF", 0);
    header.writeUInt32LE(36 + data, 4);
    header.write("WAVEfmt ", 8);
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt32LE(rate, 24);
    header.writeUInt32LE(rate, 28);
    header.writeUInt16LE(1, 32);
    header.writeUInt16LE(8, 34);
    header.write("data", 36);
    header.writeUInt32LE(data, 40);
    return `data:audio/wav;base64,${Buffer.concat([header, Buffer.alloc(data, 128)]).toString("base64")}`;
  }

  const steps = [
    ["video_play", undefined],
    ["video_progress", 25],
    ["video_progress", 50],
    ["video_progress", 75],
    ["video_complete", undefined],
  ];
  const seen = (visitor: Visitor) =>
    visitor
      .events()
      .filter(({ name }) => name.startsWith("video"))
      .map(({ name, properties }) => [name, properties.percent]);

  test("a video element, from play to the end, each step once", async () => {
    const visitor = await world.visitor();
    await open(visitor, `<video id="tour" src="${silence(2)}"></video>`);
    await visitor.page.evaluate(() => {
      const video = document.querySelector("video");
      if (video) video.muted = true;
      return video?.play();
    });
    await until("the end", () => visitor.events("video_complete").length);
    expect(seen(visitor)).toEqual(steps);
    expect(visitor.events("video_play")[0]?.properties).toEqual({ video: "tour", provider: "html" });
  });

  // The messages are those of the players' own code: Vimeo's in src/lib/postmessage.js of github.com/vimeo/player.js
  // ({method, value} there, {event, data} back), YouTube's in its www-widgetapi.js (initialDelivery, onReady and
  // infoDelivery with what changed in `info`, to whoever said "listening").
  const players = [
    {
      provider: "youtube",
      src: "https://www.youtube.com/embed/abc?enablejsapi=1",
      player: `addEventListener("message", ({ data, source }) => { if (JSON.parse(data).event !== "listening") return;
        const say = (info) => source.postMessage(JSON.stringify({ event: "infoDelivery", info }), "*");
        say({ playerState: 5, currentTime: 0, duration: 100 }); say({ playerState: 1 });
        for (const currentTime of [10, 26, 51, 76]) say({ currentTime }); say({ playerState: 0, currentTime: 100 }) })`,
    },
    {
      provider: "vimeo",
      src: "https://player.vimeo.com/video/1",
      player: `const asked = new Set(); addEventListener("message", ({ data, source }) => { const { method, value } = JSON.parse(data);
        asked.add(value); if (method !== "addEventListener" || asked.size < 3) return; asked.clear();
        const say = (event, percent) => source.postMessage(JSON.stringify({ event, data: { percent } }), "*");
        say("play", 0); for (const percent of [0.1, 0.26, 0.51, 0.76]) say("timeupdate", percent); say("ended", 1) })`,
    },
  ];
  const serve = ({ page }: Visitor, { src, player }: (typeof players)[number]) =>
    page.route(src, (route) => route.fulfill({ contentType: "text/html", body: `<script>${player}</script>` }));

  test.each(players)("an embedded player of $provider that the page brings later", async (embed) => {
    const visitor = await world.visitor();
    await serve(visitor, embed);
    await open(visitor, `<button>more</button>`);
    await visitor.page.click("button");
    // The click is told by the observers: so they are there.
    await until("the click", () => visitor.events("cta_click").length);
    await visitor.page.evaluate((src) => {
      const frame = document.createElement("iframe");
      frame.src = src;
      document.body.append(frame);
    }, embed.src);
    await until("the end", () => visitor.events("video_complete").length);
    expect(seen(visitor)).toEqual(steps);
  });

  test.each(players)("an embedded player of $provider", async (embed) => {
    const { provider, src } = embed;
    const visitor = await world.visitor();
    await serve(visitor, embed);
    await open(visitor, `<iframe src="${src}"></iframe>`);
    await until("the end", () => visitor.events("video_complete").length);
    expect(seen(visitor)).toEqual(steps);
    expect(visitor.events("video_play")[0]?.properties).toEqual({ video: src.replace(/\?.*/, ""), provider });
  });
});

test("an embedded player of YouTube, under each of its names", async () => {
  const visitor = await world.visitor();
  const hosts = ["youtube.com", "m.youtube.com", "www.youtube-nocookie.com"];
  const body = `<script>addEventListener("message", ({ source }) =>
    source.postMessage(JSON.stringify({ event: "infoDelivery", info: { playerState: 0, currentTime: 9, duration: 9 } }), "*"))</script>`;
  await visitor.page.route(/youtube/, (route) => route.fulfill({ contentType: "text/html", body }));
  await open(visitor, hosts.map((host) => `<iframe src="https://${host}/embed/abc?enablejsapi=1"></iframe>`).join(""));
  await until("the ends", () => visitor.events("video_complete").length >= hosts.length);
  expect(
    told(visitor, "video_complete")
      .map(({ video }) => video)
      .sort(),
  ).toEqual(hosts.map((host) => `https://${host}/embed/abc`).sort());
});

test.each([
  { text: "sales@shop.example", kind: "email" },
  { text: "+43 1 234 56 78", kind: "phone" },
])("a copied $kind is told without its value", async ({ text, kind }) => {
  const visitor = await world.visitor();
  await open(visitor, `<p>${text}</p><p id="other">just words</p>`);
  for (const selector of ["#other", "p"]) {
    await visitor.page.evaluate((at) => {
      const node = document.querySelector(at);
      if (node) getSelection()?.selectAllChildren(node);
    }, selector);
    await visitor.page.keyboard.press("Control+c");
  }
  await until("the copy", () => visitor.events("copy_contact").length);
  expect(told(visitor, "copy_contact")).toEqual([{ kind }]);
});
