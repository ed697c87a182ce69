import { ATTEMPT_OUTCOMES, TEST_EVENT, WEBHOOK_EVENT_TYPES, WEBHOOK_EVENTS } from '@kaana/core';
import { z } from 'zod';
import { AccountSummary, Id, line, PageInput, page, Timestamp, withoutToken } from './shared.ts';

const EventType = z
  .enum(WEBHOOK_EVENT_TYPES)
  .describe(WEBHOOK_EVENT_TYPES.map((type) => `\`${type}\`: ${WEBHOOK_EVENTS[type].description}`).join('. '));
const WebhookStatus = z.enum(['active', 'disabled']);

export const Webhook = z
  .object({
    id: Id,
    url: z.string(),
    description: z.string(),
    events: z.array(EventType).nullable().describe('What it is told of; null: everything'),
    status: WebhookStatus,
    disabledReason: z
      .string()
      .nullable()
      .describe(
        'Set where the system has disabled it: after 410 Gone, or when nothing has reached it for days',
      ),
    failingSince: Timestamp.nullable().describe('Since when every attempt has failed'),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    createdBy: AccountSummary,
    secrets: z
      .array(
        z.object({
          id: Id,
          createdAt: Timestamp,
          expiresAt: Timestamp.nullable().describe('Set on a secret that has been rotated out'),
        }),
      )
      .describe('What signs its messages; newest first; two only while it is being rotated'),
  })
  .meta({ id: 'Webhook' });

export const WebhookWithSecret = z.object({
  webhook: Webhook,
  secret: z
    .string()
    .describe('`whsec_…`, to verify signatures with. It is in this answer and nowhere else: store it now.'),
});

export const WebhookDelivery = z
  .object({
    id: Id,
    messageId: z.string().describe('`webhook-id`: the same in every attempt'),
    type: z.enum([...WEBHOOK_EVENT_TYPES, TEST_EVENT]),
    status: z.enum(['pending', 'delivered', 'failed']),
    createdAt: Timestamp,
    nextAttemptAt: Timestamp.nullable(),
    attempts: z
      .array(
        z.object({
          at: Timestamp,
          outcome: z.enum(ATTEMPT_OUTCOMES),
          status: z.number().int().nullable().describe('Of the answer; null: there was none'),
          error: z.string().nullable(),
          tookMs: z.number().int(),
        }),
      )
      .describe('The latest 20, oldest first'),
    payload: z.string().nullable().describe('The body as it is sent; null: it was not sent yet'),
  })
  .meta({ id: 'WebhookDelivery' });

/** The rest is said by whoever would send to it (`targets.ts` of core). */
const Url = withoutToken(z.string().trim().max(2000, 'can have at most 2000 characters'));
const FIELDS = {
  url: Url.describe('An https address of yours that everybody can reach; on port 443, or from 1024 on'),
  description: line(200),
  events: z.array(EventType).min(1, 'name at least one, or give null').max(50).nullable(),
};

export const WebhookListOutput = page(Webhook);
export const WebhookIdInput = z.strictObject({ id: Id });
export const WebhookCreateInput = z.strictObject({
  url: FIELDS.url,
  description: FIELDS.description.default(''),
  events: FIELDS.events.default(null).describe('What it is told of; null: everything'),
});
export const WebhookUpdateInput = z.strictObject({
  id: Id,
  url: FIELDS.url.optional(),
  description: FIELDS.description.optional(),
  events: FIELDS.events.optional(),
  status: WebhookStatus.optional(),
});
export const WebhookRotateInput = z.strictObject({
  id: Id,
  overlapSeconds: z
    .number()
    .int()
    .min(0)
    .max(7 * 24 * 3600)
    .default(24 * 3600)
    .describe('How long messages are signed with the old secret as well'),
});
export const WebhookDeliveryListInput = z.strictObject({ id: Id, ...PageInput });
export const WebhookDeliveryListOutput = page(WebhookDelivery);
export const WebhookResendInput = z.strictObject({ id: Id, deliveryId: Id });
