import { describe, expect, test } from 'vitest';
import { run, type Task } from './task.ts';

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('a task', () => {
  test('that is short is done at once', () => {
    const task = function* (): Task<string> {
      yield;
      return 'done';
    };
    expect(run(task())).toBe('done');
  });

  test('that is long lets others in between', async () => {
    const events: string[] = [];
    const task = function* (): Task<void> {
      for (let i = 0; i < 3; i++) {
        events.push('task');
        busy(6);
        yield;
      }
    };
    const running = run(task());
    const other = (): void => {
      events.push('other');
      if (events.length < 6) setImmediate(other);
    };
    setImmediate(other);
    await running;
    // The task asked for its second turn before the other came.
    expect(events.slice(0, 4)).toEqual(['task', 'task', 'other', 'task']);
  });

  test('waits for what it yields, and is told of its failure', async () => {
    const task = function* (): Task<string> {
      yield new Promise((resolve) => setImmediate(resolve));
      try {
        yield Promise.reject(new Error('no'));
      } catch (error) {
        return String(error);
      }
      return 'not told';
    };
    expect(await run(task())).toBe('Error: no');
  });

  test('that fails, at once or later, fails for its caller', async () => {
    const task = function* (wait: boolean): Task<void> {
      if (wait) yield Promise.resolve();
      throw new Error('failed');
    };
    expect(() => run(task(false))).toThrow('failed');
    await expect(run(task(true))).rejects.toThrow('failed');
  });
});
