import type { AuditEvent } from '../../trpc.ts';

const FIELDS = [
  'at',
  'action',
  'actor',
  'actorId',
  'actorKeyId',
  'targetType',
  'targetId',
  'targetName',
  'changes',
  'ip',
  'requestId',
  'id',
] as const;

/**
 * RFC 4180; and what a spreadsheet would take for a formula (OWASP, "CSV injection") begins with an apostrophe: names are
 * given by people.
 */
const cell = (value: string | null): string => {
  const text = value ?? '';
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const row = ({ at, action, actor, target, changes, ip, requestId, id }: AuditEvent): string =>
  [
    at,
    action,
    actor.name,
    actor.id,
    actor.keyId,
    target.type,
    target.id,
    target.name,
    JSON.stringify(changes),
    ip,
    requestId,
    id,
  ]
    .map(cell)
    .join(',');

export const toCsv = (events: readonly AuditEvent[]): string =>
  `${[FIELDS.join(','), ...events.map(row)].join('\r\n')}\r\n`;

export const toJson = (events: readonly AuditEvent[]): string => `${JSON.stringify(events, null, 2)}\n`;
