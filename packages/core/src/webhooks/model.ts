import type { TEST_EVENT, WebhookEvent, WebhookEventType } from './events.ts';
import type { SealedSecret } from './secrets.ts';

/** What messages are signed with. A webhook has more than one only while it is being rotated; the newest comes first. */
export type WebhookSecret = SealedSecret & {
  readonly id: string;
  readonly createdAt: Date;
  /** When a secret that has been rotated out no longer signs. */
  readonly expiresAt: Date | null;
};

/** An address of an organization that is told what happens to its keys. */
export type Webhook = {
  readonly id: string;
  readonly organizationId: string;
  readonly url: string;
  readonly description: string;
  /** `null`: all, also those that come to be known later. */
  readonly events: readonly WebhookEventType[] | null;
  readonly status: 'active' | 'disabled';
  /** Why the system has disabled it; `null`: it is active, or an admin has. */
  readonly disabledReason: string | null;
  readonly secrets: readonly WebhookSecret[];
  /** The place that it takes among those of its organization: a unique index keeps their number. */
  readonly slot: number;
  /** Since when every attempt has failed; `null`: the last one has not. */
  readonly failingSince: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Account id. */
  readonly createdBy: string;
};

export const ATTEMPT_OUTCOMES = ['delivered', 'rejected', 'gone', 'unreachable', 'refused'] as const;
/**
 * `rejected`: an answer that is not 2xx. `gone`: 410. `unreachable`: no answer. `refused`: not sent, since the
 * address is one that we do not send to, or the secret cannot be read.
 */
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export type WebhookAttempt = {
  readonly at: Date;
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  /** In words; `null` where there was an answer. */
  readonly error: string | null;
  readonly tookMs: number;
};

/** One message on its way to one webhook. */
export type WebhookDelivery = {
  readonly id: string;
  readonly organizationId: string;
  readonly webhookId: string;
  /** `webhook-id`: the same for every webhook and every attempt. */
  readonly messageId: string;
  readonly type: WebhookEventType | typeof TEST_EVENT;
  readonly event: Pick<WebhookEvent, 'keyId' | 'at' | 'actor' | 'details'> | null;
  /** The body, from the first attempt on: the same bytes in every attempt. */
  readonly payload: string | null;
  readonly status: 'pending' | 'delivered' | 'failed';
  /** Attempts that came to their end, since it was last asked for: by them goes when to try again. */
  readonly tries: number;
  /** The latest ones, oldest first. */
  readonly attempts: readonly WebhookAttempt[];
  /** `null`: not any more. While it is being sent, when it is taken for lost. */
  readonly nextAttemptAt: Date | null;
  /** Asked for by an admin, so that it is also sent to a webhook that is disabled. */
  readonly manual: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};
