/**
 * Work that yields where it may pause. Between two yields nothing else of the engine runs, so what a piece of
 * work reads, checks and writes there is atomic.
 */
export type Task<T> = Generator<undefined, T, undefined>;

/** How long one piece of work may hold the thread while others wait. */
const SLICE_MS = 8;

/** Runs to the end at once if it is short, otherwise in slices between which other connections get their turn. */
export function run<T>(task: Task<T>): T | Promise<T> {
  const deadline = performance.now() + SLICE_MS;
  for (;;) {
    const step = task.next();
    if (step.done) return step.value;
    if (performance.now() > deadline) return resume(task);
  }
}

async function resume<T>(task: Task<T>): Promise<T> {
  for (;;) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const deadline = performance.now() + SLICE_MS;
    do {
      const step = task.next();
      if (step.done) return step.value;
    } while (performance.now() <= deadline);
  }
}
