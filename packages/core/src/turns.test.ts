import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('run work on one key one after the other, in order', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await turn();
      log.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all(['a', 'b', 'c'].map((name) => turns.take('key', work(name))))).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('do not make one key wait for another', async () => {
    const turns = new Turns();
    void turns.take('stuck', () => new Promise(() => {}));
    expect(await turns.take('free', () => Promise.resolve('done'))).toBe('done');
  });

  it('go on after work that failed, whose error is its own caller’s alone', async () => {
    const turns = new Turns();
    const failed = turns.take('key', () => Promise.reject(new Error('mine')));
    const next = turns.take('key', () => Promise.resolve('fine'));
    await expect(failed).rejects.toThrow('mine');
    expect(await next).toBe('fine');
    expect(await turns.take('key', () => Promise.resolve('later'))).toBe('later');
  });
});
