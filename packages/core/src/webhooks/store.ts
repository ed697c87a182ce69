import type { AuditEvent } from '../model.ts';
import type { PageQuery } from '../stores.ts';
import type { Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret } from './model.ts';

export type WebhookStore = {
  /** `slot_taken`: another webhook of the organization has this slot. */
  insert(webhook: Webhook, event: AuditEvent): Promise<'inserted' | 'slot_taken'>;
  slots(organizationId: string): Promise<number[]>;
  get(organizationId: string, id: string): Promise<Webhook | null>;
  /** Newest first. */
  list(organizationId: string): Promise<Webhook[]>;
  /** Of these organizations, those that are told. */
  listActive(organizationIds: readonly string[]): Promise<Webhook[]>;
  /** `expected` guards: the write happens only while these fields still have these values. */
  update(
    organizationId: string,
    id: string,
    expected: Partial<Pick<Webhook, 'status' | 'failingSince'>>,
    change: Partial<
      Pick<Webhook, 'url' | 'description' | 'events' | 'status' | 'disabledReason' | 'failingSince'>
    > & { readonly updatedAt: Date },
    event: AuditEvent,
  ): Promise<Webhook | null>;
  /** Only while `expected` is the newest secret. */
  replaceSecrets(
    organizationId: string,
    id: string,
    expected: string,
    secrets: readonly WebhookSecret[],
    event: AuditEvent,
  ): Promise<Webhook | null>;
  delete(organizationId: string, id: string, event: AuditEvent): Promise<boolean>;
  /** Observed, and no change of state: `null` after a success; else kept where there is an earlier one. */
  noteFailing(id: string, since: Date | null): Promise<void>;
};

/** A delivery that is this process's until `nextAttemptAt`. */
export type DeliveryLease = { readonly delivery: WebhookDelivery; readonly leaseId: string };

export type WebhookDeliveryStore = {
  /** Audit events that are to be told to webhooks and have not been, at most `limit`. */
  untold(limit: number): Promise<AuditEvent[]>;
  markTold(eventIds: readonly string[]): Promise<void>;
  /** A message that is on its way to the webhook already stays as it is. */
  insertMany(deliveries: readonly WebhookDelivery[]): Promise<void>;
  get(organizationId: string, webhookId: string, id: string): Promise<WebhookDelivery | null>;
  list(organizationId: string, webhookId: string, page: PageQuery): Promise<WebhookDelivery[]>;
  /** Takes one that is due, but of none of the webhooks `except`, until `until`. */
  claim(now: Date, until: Date, except: readonly string[]): Promise<DeliveryLease | null>;
  /** Only while the lease is held, as the next two. */
  setPayload(lease: DeliveryLease, payload: string): Promise<boolean>;
  /** Counts the try. */
  finish(
    lease: DeliveryLease,
    attempt: WebhookAttempt,
    next: Pick<WebhookDelivery, 'status' | 'nextAttemptAt'>,
  ): Promise<boolean>;
  drop(lease: DeliveryLease): Promise<void>;
  /** Sends it again from the start, unless it is being sent right now. */
  restart(
    organizationId: string,
    webhookId: string,
    id: string,
    now: Date,
    expiresAt: Date,
  ): Promise<WebhookDelivery | null>;
  deleteOfWebhook(webhookId: string): Promise<void>;
  /** Deletes what has ended and is older than the newest `keep` of its webhook. */
  trim(keep: number): Promise<void>;
  /** How far a sweep has come; never goes back. */
  mark(name: string): Promise<Date | null>;
  setMark(name: string, until: Date): Promise<void>;
};
