import type { Page } from "playwright-core";

/** Lets a test hide and blur a page: a browser without a screen shows every tab all the time. */
export async function withScreen(
  page: Page,
  hidden = false,
): Promise<{ hide(): Promise<void>; show(): Promise<void>; blur(): Promise<void>; focus(): Promise<void> }> {
  await page.addInitScript((initially) => {
    const screen = { hidden: initially, focused: true };
    Object.defineProperty(document, "hidden", { get: () => screen.hidden });
    Object.defineProperty(document, "visibilityState", { get: () => (screen.hidden ? "hidden" : "visible") });
    document.hasFocus = () => screen.focused && !screen.hidden;
    Object.assign(window, { screenOfTest: screen });
  }, hidden);
  const set = (change: { hidden?: boolean; focused?: boolean }, target: "document" | "window", type: string) =>
    page.evaluate(
      ([state, on, name]) => {
        Object.assign((window as unknown as { screenOfTest: object }).screenOfTest, state);
        (on === "document" ? document : window).dispatchEvent(new Event(name, { bubbles: true }));
      },
      [change, target, type] as const,
    );
  return {
    hide: () => set({ hidden: true }, "document", "visibilitychange"),
    show: () => set({ hidden: false }, "document", "visibilitychange"),
    blur: () => set({ focused: false }, "window", "blur"),
    focus: () => set({ focused: true }, "window", "focus"),
  };
}
