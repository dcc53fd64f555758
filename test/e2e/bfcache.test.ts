import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createWorld, until, type World } from "./support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await createWorld({ keepBfcache: true });
});
afterAll(() => world.close());

test("4: a page from the back/forward cache is a new view in the same session", async () => {
  const visitor = await world.visitor();
  const [first, second] = [world.page(), world.page()];
  const { page } = visitor;
  await page.goto(world.site + first);
  await page.evaluate(() => {
    Object.assign(window, { kept: "since the first time" });
  });
  await until("the first view", () => visitor.events("page_view").length === 1);
  await page.goto(world.site + second);
  await until("the second view", () => visitor.events("page_view").length === 2);
  await page.goBack({ waitUntil: "commit" });
  await until("the third view", () => visitor.events("page_view").length === 3);
  expect(await page.evaluate("window.kept")).toBe("since the first time");
  const views = visitor.events("page_view");
  expect(views.map(({ url }) => url.replace(world.site, ""))).toEqual([first, second, first]);
  expect(new Set(views.map(({ session_id }) => session_id)).size).toBe(1);
  await page.close();
  await until("the last time on the page", () => visitor.events("time_on_page").length >= 3);
});
