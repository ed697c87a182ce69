import { type ComponentType, lazy } from 'react';

const RETRY_MS = 1_000;
/** After the page itself has come, and what it shows. */
const PRELOAD_MS = 3_000;

/** Without an end: while the server is away nothing else can help, and the banner says so. */
const untilLoaded = async <Module>(load: () => Promise<Module>): Promise<Module> => {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
};

/**
 * `lazy` for what a click opens: it is not waited for by the page, but fetched soon after it, so that it is there when
 * it is wanted, also while the server is away.
 */
// biome-ignore lint/suspicious/noExplicitAny: as React's own `lazy` has it, so that every component's props fit.
export const lazySoon = <Component extends ComponentType<any>>(load: () => Promise<Component>) => {
  setTimeout(() => void load().catch(() => undefined), PRELOAD_MS);
  return lazy(async () => ({ default: await untilLoaded(load) }));
};
