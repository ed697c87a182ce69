import { createHash } from 'node:crypto';
import { Binary } from 'bson';
import type { Doc } from './values/types.ts';

/** Sessions that are not used go away after this, as `hello` tells clients. */
export const SESSION_MINUTES = 30;

/** Without users every session belongs to the empty name. */
const NOBODY = new Binary(createHash('sha256').update('').digest());

interface Session {
  id: Binary;
  lastUse: Date;
}

/** Client sessions, known only to be listed: nothing depends on one. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  touch(id: unknown, now: Date): void {
    if (!(id instanceof Binary)) return;
    const key = id.toString('hex');
    // A copy: the id's bytes are part of the request's buffer. Used last comes last.
    const known = this.#sessions.get(key)?.id ?? new Binary(Buffer.from(id.value()), id.sub_type);
    this.#sessions.delete(key);
    this.#sessions.set(key, { id: known, lastUse: now });
    for (const [other, { lastUse }] of this.#sessions) {
      if (now.getTime() - lastUse.getTime() <= SESSION_MINUTES * 60_000) break;
      this.#sessions.delete(other);
    }
  }

  end(id: unknown): void {
    if (id instanceof Binary) this.#sessions.delete(id.toString('hex'));
  }

  *list(): Generator<Doc> {
    for (const { id, lastUse } of this.#sessions.values()) yield { _id: { id, uid: NOBODY }, lastUse };
  }
}
