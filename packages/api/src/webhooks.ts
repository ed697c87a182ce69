import type { Domain, Webhook, WebhookDelivery } from '@kaana/core';
import { toAccountSummary, unknownAccount } from './wire.ts';

/** Without what messages are signed with. */
export const toWebhooks = async ({ stores }: Domain, webhooks: readonly Webhook[]) => {
  const creators = await stores.accounts.getMany([...new Set(webhooks.map(({ createdBy }) => createdBy))]);
  return webhooks.map((webhook) => {
    const { id, url, description, events, status, disabledReason, failingSince } = webhook;
    const { createdAt, updatedAt, createdBy, secrets } = webhook;
    const creator = creators.get(createdBy);
    return {
      id,
      url,
      description,
      events: events && [...events],
      status,
      disabledReason,
      failingSince: failingSince?.toISOString() ?? null,
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
      createdBy: creator ? toAccountSummary(creator) : unknownAccount(createdBy),
      secrets: secrets.map((secret) => ({
        id: secret.id,
        createdAt: secret.createdAt.toISOString(),
        expiresAt: secret.expiresAt?.toISOString() ?? null,
      })),
    };
  });
};
export const toOneWebhook = async (domain: Domain, webhook: Webhook) => {
  const [one] = await toWebhooks(domain, [webhook]);
  if (!one) throw new Error('one webhook in, none out');
  return one;
};

export const toDelivery = (delivery: WebhookDelivery) => {
  const { id, messageId, type, status, createdAt, nextAttemptAt, attempts, payload } = delivery;
  return {
    id,
    messageId,
    type,
    status,
    createdAt: createdAt.toISOString(),
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    attempts: attempts.map((attempt) => ({ ...attempt, at: attempt.at.toISOString() })),
    payload,
  };
};
