/**
 * Work that yields where it may pause, or a promise where it has to wait. Between two yields nothing else of the
 * engine runs, so what a piece of work reads, checks and writes there is atomic.
 */
export type Task<T> = Generator<Promise<void> | undefined, T, undefined>;

/** How long one piece of work may hold the thread while others wait. */
const SLICE_MS = 4;

/** Runs to the end at once if it is short, otherwise in slices between which other connections get their turn. */
export function run<T>(task: Task<T>): T | Promise<T> {
  const deadline = performance.now() + SLICE_MS;
  for (;;) {
    const step = task.next();
    if (step.done) return step.value;
    if (step.value || performance.now() > deadline) return resume(task, step.value);
  }
}

async function resume<T>(task: Task<T>, first: Promise<void> | undefined): Promise<T> {
  let wait = first;
  for (;;) {
    let step: IteratorResult<Promise<void> | undefined, T>;
    let deadline = 0;
    try {
      await (wait ?? turn());
      deadline = performance.now() + SLICE_MS;
      step = task.next();
    } catch (error) {
      // Either what it waited for failed, which it is told, or it failed itself and has ended: then this throws.
      step = task.throw(error);
    }
    while (!step.done && !step.value && performance.now() <= deadline) step = task.next();
    if (step.done) return step.value;
    wait = step.value;
  }
}

/** Lets the requests in that have arrived meanwhile. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
