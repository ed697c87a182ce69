import { createHash } from 'node:crypto';
import { Binary } from 'bson';
import type { Doc } from './values/types.ts';

/** Sessions that are not used go away after this, as `hello` tells clients. */
export const SESSION_MINUTES = 30;

/** Without users every session belongs to the empty name. */
const NOBODY = new Binary(createHash('sha256').update('').digest());

const SESSION_MS = SESSION_MINUTES * 60_000;
/** How often sessions that have gone are looked for. */
const SWEEP_MS = 60_000;

interface Session {
  id: Binary;
  lastUse: number;
}

/** Client sessions, known only to be listed: nothing depends on one. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  #swept = 0;

  touch(id: unknown, now: Date): void {
    if (!(id instanceof Binary)) return;
    const time = now.getTime();
    const key = keyOf(id);
    const known = this.#sessions.get(key);
    if (known) known.lastUse = time;
    // A copy: the id's bytes are part of the request's buffer.
    else this.#sessions.set(key, { id: new Binary(Buffer.from(id.value()), id.sub_type), lastUse: time });
    if (time - this.#swept > SWEEP_MS) this.#sweep(time);
  }

  #sweep(time: number): void {
    this.#swept = time;
    for (const [key, { lastUse }] of this.#sessions)
      if (time - lastUse > SESSION_MS) this.#sessions.delete(key);
  }

  end(id: unknown): void {
    if (id instanceof Binary) this.#sessions.delete(keyOf(id));
  }

  *list(): Generator<Doc> {
    for (const { id, lastUse } of this.#sessions.values())
      yield { _id: { id, uid: NOBODY }, lastUse: new Date(lastUse) };
  }
}

function keyOf(id: Binary): string {
  const { buffer } = id;
  return Buffer.from(buffer.buffer, buffer.byteOffset, id.position).toString('latin1');
}
