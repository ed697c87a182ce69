import type { Webhook, WebhookDelivery } from '../../trpc.ts';

type EventType = NonNullable<Webhook['events']>[number];

/** What a webhook can be told, in words; also the order in which they are shown. */
export const EVENT_TEXT: Record<EventType, { readonly label: string; readonly hint: string }> = {
  'key.created': { label: 'Key created', hint: 'key.created' },
  'key.expiring': { label: 'Key expires in a week', hint: 'key.expiring' },
  'key.expired': { label: 'Key expired', hint: 'key.expired' },
  'key.rotated': { label: 'Key got a new secret', hint: 'key.rotated' },
  'key.revoked': { label: 'Key revoked', hint: 'key.revoked' },
  'key.leaked': { label: 'Token found in public', hint: 'key.leaked' },
  'key.limit_reached': {
    label: 'Requests refused by a limit',
    hint: 'key.limit_reached, once an hour at most',
  },
};
export const EVENT_TYPES = Object.keys(EVENT_TEXT) as EventType[];

export const eventLabel = (type: WebhookDelivery['type']): string =>
  type === 'webhook.test' ? 'Test event' : EVENT_TEXT[type].label;

export const eventsText = (events: Webhook['events']): string => {
  if (events === null) return 'All events';
  return events.length === 1 && events[0] ? EVENT_TEXT[events[0]].label : `${events.length} events`;
};
