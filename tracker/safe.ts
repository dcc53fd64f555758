let warned: true | undefined;

/** Storage and cookies throw where the visitor refuses them, and a tracker has nothing to say about that. */
export function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {}
}

/** Whatever goes wrong in here is ours: the page hears one warning and goes on. */
export function guard<Given extends unknown[], Result>(action: (...given: Given) => Result) {
  return (...given: Given): Result | undefined => {
    try {
      return action(...given);
    } catch (error) {
      if (!warned) {
        warned = true;
        console.warn(`do-intent: ${error}`);
      }
    }
  };
}

/** Heard before the page's own handlers, so that none of them can hide it. */
export function listen(target: EventTarget, types: string, handler: (event: Event) => void): void {
  for (const type of types.split(" ")) target.addEventListener(type, guard(handler), true);
}

/** One tab of the site at a time; where there are no locks (plain http, cookies refused) it runs all the same. */
export function locked(name: string, action: () => unknown): unknown {
  return navigator.locks?.request(name, action).catch(action) ?? action();
}
