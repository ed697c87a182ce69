import { randomUUID } from 'node:crypto';
import type {
  AuditEvent,
  DeliveryLease,
  WebhookAttempt,
  WebhookDelivery,
  WebhookDeliveryStore,
} from '@kaana/core';
import { beforeCursor, NEWEST_FIRST, toEntity } from '../entity.ts';
import { duplicatesOf } from '../errors.ts';
import type { Models, StoredDelivery, StoredEvent } from '../schemas.ts';

/**
 * A lost mark costs a second fan-out, which changes nothing, and a lost lease a second attempt: no need to wait for the
 * disk, every second, in every process.
 */
const RELAXED = { w: 1, journal: false } as const;
/** Of each delivery, the latest. */
const ATTEMPTS_KEPT = 20;

const toDelivery = ({
  _id,
  leaseId: _leaseId,
  nextAttemptAt,
  ...fields
}: StoredDelivery): WebhookDelivery => ({
  ...fields,
  id: _id,
  nextAttemptAt: nextAttemptAt ?? null,
});

const toStored = ({ id, nextAttemptAt, ...fields }: WebhookDelivery): StoredDelivery => ({
  ...fields,
  _id: id,
  ...(nextAttemptAt ? { nextAttemptAt } : {}),
});

const held = ({ delivery, leaseId }: DeliveryLease) => ({ _id: delivery.id as never, leaseId });

export const createWebhookDeliveryStore = ({
  audit,
  webhookDeliveries,
  webhookMarks,
}: Models): WebhookDeliveryStore => {
  const collection = webhookDeliveries.collection;
  return {
    untold: async (limit) => {
      const found = await audit.collection.find({ untold: true }).limit(limit).toArray();
      return (found as unknown as StoredEvent[]).map(
        ({ untold: _untold, ...event }): AuditEvent => toEntity(event),
      );
    },
    markTold: async (eventIds) => {
      if (eventIds.length === 0) return;
      await audit.collection.updateMany(
        { _id: { $in: eventIds as never[] } },
        { $unset: { untold: 1 } },
        { writeConcern: RELAXED },
      );
    },
    insertMany: async (deliveries) => {
      if (deliveries.length === 0) return;
      try {
        await collection.insertMany(deliveries.map(toStored) as never[], { ordered: false });
      } catch (error) {
        if (!duplicatesOf(error)) throw error;
      }
    },
    get: async (organizationId, webhookId, id) => {
      const found = await webhookDeliveries
        .findOne({ _id: id, organizationId, webhookId })
        .lean<StoredDelivery>();
      return found && toDelivery(found);
    },
    list: async (organizationId, webhookId, page) => {
      const found = await webhookDeliveries
        .find({ webhookId, organizationId, ...beforeCursor(page) })
        .sort(NEWEST_FIRST)
        .limit(page.limit)
        .lean<StoredDelivery[]>();
      return found.map(toDelivery);
    },
    claim: async (now, until, except) => {
      const leaseId = randomUUID();
      const claimed = await collection.findOneAndUpdate(
        {
          nextAttemptAt: { $type: 'date', $lte: now },
          ...(except.length > 0 ? { webhookId: { $nin: except as string[] } } : {}),
        },
        { $set: { nextAttemptAt: until, leaseId } },
        { sort: { nextAttemptAt: 1 }, returnDocument: 'after', writeConcern: RELAXED },
      );
      return claimed && { delivery: toDelivery(claimed as unknown as StoredDelivery), leaseId };
    },
    setPayload: async (lease, payload) =>
      (await collection.updateOne(held(lease), { $set: { payload } })).matchedCount === 1,
    finish: async (lease, attempt: WebhookAttempt, { status, nextAttemptAt }) => {
      const { matchedCount } = await collection.updateOne(held(lease), {
        $set: { status, ...(nextAttemptAt ? { nextAttemptAt } : {}) },
        $inc: { tries: 1 },
        $unset: { leaseId: 1, ...(nextAttemptAt ? {} : { nextAttemptAt: 1 }) },
        $push: { attempts: { $each: [attempt], $slice: -ATTEMPTS_KEPT } as never },
      });
      return matchedCount === 1;
    },
    drop: async (lease) => {
      await collection.deleteOne(held(lease));
    },
    restart: async (organizationId, webhookId, id, now, expiresAt) => {
      const restarted = await collection.findOneAndUpdate(
        {
          _id: id as never,
          organizationId,
          webhookId,
          $or: [{ leaseId: { $exists: false } }, { nextAttemptAt: { $lte: now } }],
        },
        {
          $set: { status: 'pending', tries: 0, nextAttemptAt: now, manual: true, expiresAt },
          $unset: { leaseId: 1 },
        },
        { returnDocument: 'after' },
      );
      return restarted && toDelivery(restarted as unknown as StoredDelivery);
    },
    deleteOfWebhook: async (webhookId) => {
      await collection.deleteMany({ webhookId });
    },
    trim: async (keep) => {
      for (const webhookId of (await collection.distinct('webhookId')) as string[]) {
        const [first] = await collection
          .find({ webhookId }, { projection: { _id: 1 } })
          .sort({ webhookId: 1, _id: -1 })
          .skip(keep)
          .limit(1)
          .toArray();
        if (first)
          await collection.deleteMany({ webhookId, _id: { $lte: first._id }, status: { $ne: 'pending' } });
      }
    },
    mark: async (name) => {
      const found = await webhookMarks.findById(name).lean<{ until: Date }>();
      return found?.until ?? null;
    },
    setMark: async (name, until) => {
      await webhookMarks.collection.updateOne({ _id: name as never }, { $max: { until } }, { upsert: true });
    },
  };
};
