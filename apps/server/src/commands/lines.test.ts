import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from './lines.ts';

async function* chunksOf(parts: readonly Uint8Array[]) {
  for (const part of parts) yield Buffer.from(part);
}
const collect = async (parts: readonly (string | Buffer)[], maxBytes = 100) => {
  const lines: [number, string | null][] = [];
  let last = 0;
  for await (const { number, text, bytesRead } of linesOf(
    chunksOf(parts.map((part) => Buffer.from(part))),
    maxBytes,
  )) {
    lines.push([number, text]);
    expect(bytesRead).toBeGreaterThanOrEqual(last);
    last = bytesRead;
  }
  return lines;
};

describe('the lines of a file', () => {
  it('are the same however it is cut into pieces, also within a character', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ''))),
        fc.array(fc.nat(200)),
        async (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted(
            (a, b) => a - b,
          );
          const parts = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
          const lines = await collect(parts, 1000);
          expect(lines).toEqual(texts.map((text, index) => [index + 1, Buffer.from(text).toString('utf8')]));
        },
      ),
    );
  });

  it('need no line break at the end, and are none where there is nothing', async () => {
    expect(await collect(['a\nb'])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(await collect([''])).toEqual([]);
    expect(await collect(['\n\na'])).toEqual([
      [1, ''],
      [2, ''],
      [3, 'a'],
    ]);
  });

  it('that are too long are skipped, and those after them are not', async () => {
    const long = 'x'.repeat(101);
    expect(await collect([`a\n${long}`, long, `${long}\nb\n`, 'x'.repeat(100)])).toEqual([
      [1, 'a'],
      [2, null],
      [3, 'b'],
      [4, 'x'.repeat(100)],
    ]);
  });
});
