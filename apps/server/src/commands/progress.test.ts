import { describe, expect, it } from 'vitest';
import { Progress } from './progress.ts';

const show = (isTTY: boolean, work: (progress: Progress, later: (ms: number) => void) => void): string[] => {
  const written: string[] = [];
  let now = 0;
  const screen = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  work(new Progress(screen, () => now), (ms) => {
    now += ms;
  });
  return written;
};

describe('progress', () => {
  it('is a bar on a terminal, no longer than its line, redrawn now and then and at the end', () => {
    const written = show(true, (progress, later) => {
      progress.update(0.25, 'x'.repeat(100));
      progress.update(0.26, 'too soon');
      later(100);
      progress.update(0.5, 'half');
      progress.update(1, 'all');
      progress.end();
    });
    expect(written).toHaveLength(4);
    expect(written[0]).toContain('[######..................]  25 %');
    expect(written[0]?.length).toBeLessThanOrEqual(60 + '\r\u001b[K'.length);
    expect(written[1]).toContain('50 %  half');
    expect(written[2]).toContain('[########################] 100 %  all');
  });

  it('is a plain line at every tenth elsewhere', () => {
    const written = show(false, (progress) => {
      for (let percent = 1; percent <= 100; percent++) progress.update(percent / 100, `at ${percent}`);
      progress.end();
    });
    expect(written).toHaveLength(10);
    expect(written[0]).toBe(' 10 %  at 10\n');
    expect(written.join('')).not.toContain('\r');
  });
});
