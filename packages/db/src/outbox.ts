import { type AuditEvent, isToldToWebhooks } from '@kaana/core';
import type { Model, QueryFilter, UpdateQuery } from 'mongoose';
import { duplicatesOf, isDuplicateKey } from './errors.ts';
import type { Models, StoredEvent } from './schemas.ts';

type Stateful = { _id: string; outbox?: AuditEvent[]; deletedAt?: Date };

/** Losing the removal of a moved event costs a second move, which changes nothing: no need to wait for the disk. */
const RELAXED = { w: 1, journal: false } as const;

/** As it is put into the log: with a mark, where webhooks are to be told of it (see `fanOutAuditEvents` in core). */
const toLogged = (event: AuditEvent): StoredEvent => {
  const { id, ...fields } = event;
  return { _id: id, ...fields, ...(isToldToWebhooks(event) ? { untold: true } : {}) };
};

/**
 * A collection whose every write carries its audit event inside it, so that there is never one without the other.
 * Afterwards the event is moved to the log; what a crash leaves behind, `sweep` moves. The event's id is the log's
 * `_id`: however often it is moved, there is one.
 */
export class StatefulCollection<Document extends Stateful> {
  readonly #model: Model<Document>;
  readonly #audit: Models['audit'];

  constructor(model: Model<Document>, audit: Models['audit']) {
    this.#model = model;
    this.#audit = audit;
  }

  /** `false`: a unique index has it already. */
  async insert(document: Document, event: AuditEvent): Promise<boolean> {
    try {
      await this.#model.create([{ ...document, outbox: [event] }]);
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
    await this.#publish(document._id, [event]);
    return true;
  }

  /** As `insert`, for many at once; in the order of `documents`. */
  async insertMany(
    documents: readonly { readonly document: Document; readonly event: AuditEvent }[],
  ): Promise<boolean[]> {
    const stored = documents.map(({ document, event }) => ({ ...document, outbox: [event] }));
    const inserted = documents.map(() => true);
    if (stored.length === 0) return inserted;
    try {
      await this.#model.collection.insertMany(stored as never[], { ordered: false });
    } catch (error) {
      const duplicates = duplicatesOf(error);
      if (!duplicates) throw error;
      for (const index of duplicates) inserted[index] = false;
    }
    await this.#publishMany(documents.filter((_document, index) => inserted[index]));
    return inserted;
  }

  /** The document after the change; `null` where none matches. */
  async update(
    filter: QueryFilter<Document>,
    set: Partial<Document>,
    event: AuditEvent,
  ): Promise<Document | null> {
    const update = { $set: set, $push: { outbox: event } } as UpdateQuery<Document>;
    const updated = await this.#model
      .findOneAndUpdate(this.#live(filter), update, { returnDocument: 'after', runValidators: true })
      .lean<Document>();
    if (updated) await this.#publish(updated._id, [event]);
    return updated;
  }

  /** Leaves a tombstone that carries the event, and removes it once the event is in the log. */
  async delete(filter: QueryFilter<Document>, event: AuditEvent): Promise<boolean> {
    const deleted = await this.update(filter, { deletedAt: event.at } as Partial<Document>, event);
    if (deleted) await this.#bury(deleted._id);
    return deleted !== null;
  }

  /** Moves what a crash left. Returns how many events. */
  async sweep(): Promise<number> {
    const left = await this.#model
      .find({ 'outbox.id': { $gt: '' } } as QueryFilter<Document>)
      .limit(1000)
      .lean<Document[]>();
    let moved = 0;
    for (const document of left) {
      const events = document.outbox ?? [];
      await this.#publish(document._id, events);
      if (document.deletedAt) await this.#bury(document._id);
      moved += events.length;
    }
    return moved;
  }

  #live(filter: QueryFilter<Document>): QueryFilter<Document> {
    return { ...filter, deletedAt: { $exists: false } } as QueryFilter<Document>;
  }

  async #publish(documentId: string, events: readonly AuditEvent[]): Promise<void> {
    for (const event of events) {
      try {
        await this.#audit.collection.insertOne(toLogged(event) as never);
      } catch (error) {
        if (!isDuplicateKey(error)) return; // The write is done and acknowledged; the sweep will move its event.
      }
    }
    const moved = events.map(({ id }) => id);
    const rest = { $filter: { input: '$outbox', cond: { $not: [{ $in: ['$$this.id', moved] }] } } };
    await this.#model.collection
      .updateOne(
        { _id: documentId as never, 'outbox.id': { $in: moved } },
        [
          { $set: { outbox: rest } },
          { $set: { outbox: { $cond: [{ $eq: ['$outbox', []] }, '$$REMOVE', '$outbox'] } } },
        ],
        { writeConcern: RELAXED },
      )
      .catch(() => undefined);
  }

  /** Of documents that have just been inserted: each has its one event. */
  async #publishMany(
    documents: readonly { readonly document: Document; readonly event: AuditEvent }[],
  ): Promise<void> {
    if (documents.length === 0) return;
    try {
      const logged = documents.map(({ event }) => toLogged(event));
      await this.#audit.collection.insertMany(logged as never[], { ordered: false });
    } catch (error) {
      if (!duplicatesOf(error)) return; // As in `#publish`.
    }
    const moved = documents.map(({ event }) => event.id);
    await this.#model.collection
      .updateMany(
        {
          _id: { $in: documents.map(({ document }) => document._id) as never[] },
          outbox: { $size: 1 },
          'outbox.id': { $in: moved },
        },
        { $unset: { outbox: 1 } },
        { writeConcern: RELAXED },
      )
      .catch(() => undefined);
  }

  async #bury(documentId: string): Promise<void> {
    const published = { _id: documentId as never, deletedAt: { $exists: true }, outbox: { $exists: false } };
    await this.#model.collection.deleteOne(published).catch(() => undefined);
  }
}
