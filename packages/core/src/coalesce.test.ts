import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Coalescer } from './coalesce.ts';
import { KaanaError } from './errors.ts';

type Load = {
  readonly keys: readonly string[];
  succeed(values: ReadonlyMap<string, string>): void;
  fail(error: Error): void;
};

/** Loads that stay under way until the test ends them. */
const controllableLoads = () => {
  const loads: Load[] = [];
  const load = (keys: readonly string[]) =>
    new Promise<ReadonlyMap<string, string>>((succeed, fail) => {
      loads.push({ keys, succeed, fail });
    });
  return { loads, load };
};

/** Lets everything run that can run by itself; a batch begins after the poll phase. */
const settle = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** After a crowd the next load waits a moment for it. */
const begun = (loads: readonly Load[], count: number) =>
  vi.waitFor(() => expect(loads).toHaveLength(count), { interval: 1 });

const codeOf = (error: unknown) => (error instanceof KaanaError ? error.code : error);

describe('a coalescer', () => {
  it('takes all that arrive together in one load, and equal keys once', async () => {
    const { loads, load } = controllableLoads();
    const coalescer = new Coalescer(load);
    const answers = Promise.all(['a', 'b', 'a'].map((key) => coalescer.get(key)));
    await settle();
    expect(loads.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    loads[0]?.succeed(new Map([['a', 'A']]));
    expect(await answers).toEqual(['A', undefined, 'A']);
  });

  it('hands nobody an answer whose load began before the question', async () => {
    const { loads, load } = controllableLoads();
    const coalescer = new Coalescer(load);
    const before = coalescer.get('key');
    await settle();
    const during = coalescer.get('key');
    await settle();
    expect(loads).toHaveLength(1);
    loads[0]?.succeed(new Map([['key', 'active']]));
    expect(await before).toBe('active');
    await settle();
    expect(loads).toHaveLength(2);
    loads[1]?.succeed(new Map([['key', 'revoked']]));
    expect(await during).toBe('revoked');
  });

  it('fails those of the batch that failed, and only them', async () => {
    const { loads, load } = controllableLoads();
    const coalescer = new Coalescer(load);
    const first = Promise.allSettled([coalescer.get('a'), coalescer.get('a'), coalescer.get('b')]);
    await settle();
    const second = coalescer.get('a');
    const error = new Error('the store is away');
    loads[0]?.fail(error);
    expect(await first).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: error }) as const),
    );
    await begun(loads, 2);
    loads[1]?.succeed(new Map([['a', 'A']]));
    expect(await second).toBe('A');
  });

  it('survives a load that throws instead of rejecting', async () => {
    let calls = 0;
    const coalescer = new Coalescer<string, string>((keys) => {
      if (++calls === 1) throw new Error('at once');
      return Promise.resolve(new Map(keys.map((key) => [key, key])));
    });
    await expect(coalescer.get('a')).rejects.toThrow('at once');
    expect(await coalescer.get('a')).toBe('a');
  });

  it('refuses with `overloaded` what is too much to wait, and works again afterwards', async () => {
    const { loads, load } = controllableLoads();
    // Those that are being answered count too: one here, and three that wait.
    const coalescer = new Coalescer(load, { maxWaiting: 4 });
    const first = coalescer.get('a');
    await settle();
    const waiting = Promise.all(['b', 'b', 'c'].map((key) => coalescer.get(key)));
    const refusal = await coalescer.get('d').catch((error: unknown) => error);
    expect(codeOf(refusal)).toBe('overloaded');
    expect(refusal).toHaveProperty('retryAfterSeconds', 1);
    loads[0]?.succeed(new Map());
    await first;
    await begun(loads, 2);
    const after = coalescer.get('d');
    expect(loads[1]?.keys).toEqual(['b', 'c']);
    loads[1]?.succeed(new Map());
    await waiting;
    await begun(loads, 3);
    loads[2]?.succeed(new Map([['d', 'D']]));
    expect(await after).toBe('D');
  });

  it.each([
    [60_000, 'until it is complete'],
    [1, 'and not for ever'],
  ])('waits up to %i ms for a crowd that asked together before, %s', async (gatherMs) => {
    const { loads, load } = controllableLoads();
    const coalescer = new Coalescer(load, { gatherMs });
    const keys = ['a', 'b', 'c', 'd'];
    const crowd = Promise.all(keys.map((key) => coalescer.get(key)));
    await begun(loads, 1);
    loads[0]?.succeed(new Map());
    await crowd;
    const isComplete = gatherMs > 1;
    const again: Promise<unknown>[] = [];
    // One by one, as a server reads its sockets.
    for (const key of isComplete ? keys : ['a']) {
      expect(loads).toHaveLength(1);
      again.push(coalescer.get(key));
      await settle();
    }
    await begun(loads, 2);
    expect(loads[1]?.keys).toEqual(isComplete ? keys : ['a']);
    loads[1]?.succeed(new Map());
    await Promise.all(again);
  });

  /**
   * The invariant behind immediate revocation. A load reads the world when it begins; the version that a request gets
   * must be at least the one that was current when the request arrived.
   */
  it('never answers with a state older than the question, in any order of events', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('ask' as const), key: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('change' as const), key: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.constant({ type: 'end' as const }) },
      { weight: 1, arbitrary: fc.constant({ type: 'fail' as const }) },
      { weight: 2, arbitrary: fc.constant({ type: 'turn' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const versions = [0, 0, 0, 0];
        const underWay: { end?: () => void; fail?: () => void } = {};
        let parallel = 0;
        let mostParallel = 0;
        const coalescer = new Coalescer<number, number>((keys) => {
          const seen = new Map(keys.map((key) => [key, versions[key] ?? -1]));
          expect(new Set(keys).size).toBe(keys.length);
          mostParallel = Math.max(mostParallel, ++parallel);
          return new Promise((resolve, reject) => {
            const done = (finish: () => void) => () => {
              parallel--;
              delete underWay.end;
              delete underWay.fail;
              finish();
            };
            underWay.end = done(() => resolve(seen));
            underWay.fail = done(() => reject(new Error('load')));
          });
        });
        const questions: Promise<void>[] = [];
        let answered = 0;
        const ask = (key: number) => {
          const current = versions[key] ?? -1;
          questions.push(
            coalescer.get(key).then(
              (version) => {
                answered++;
                expect(version).toBeGreaterThanOrEqual(current);
              },
              (error: unknown) => {
                answered++;
                expect(error).toHaveProperty('message', 'load');
              },
            ),
          );
        };
        const turn = () => new Promise((resolve) => setImmediate(resolve));
        for (const event of steps) {
          if (event.type === 'ask') ask(event.key);
          else if (event.type === 'change') versions[event.key] = (versions[event.key] ?? 0) + 1;
          else if (event.type === 'end') underWay.end?.();
          else if (event.type === 'fail') underWay.fail?.();
          else await turn();
        }
        while (answered < questions.length) {
          underWay.end?.();
          await turn();
        }
        await Promise.all(questions);
        expect(mostParallel).toBeLessThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});
