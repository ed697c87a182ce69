/** A line as its bytes, without the line break; `null` where it is longer than allowed. `number` counts from 1. */
export type Line = { readonly number: number; readonly text: string | null; readonly bytesRead: number };

const NEWLINE = 0x0a;

/**
 * Line by line, whatever the size of the file: what is too long for a line is skipped up to its end, and nothing but
 * the current line is held.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Line, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;
  let bytesRead = 0;
  const take = (): Line => {
    const text = length > maxBytes ? null : Buffer.concat(parts).toString('utf8');
    const line = { number: number++, text, bytesRead };
    parts = [];
    length = 0;
    return line;
  };
  const add = (part: Buffer) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else parts.push(part);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      bytesRead += at + 1 - from;
      from = at + 1;
      yield take();
    }
    add(chunk.subarray(from));
    bytesRead += chunk.length - from;
  }
  if (length > 0) yield take();
}
