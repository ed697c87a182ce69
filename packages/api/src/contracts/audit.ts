import { z } from 'zod';
import { Id, PageInput, page, Timestamp, TimestampInput } from './shared.ts';

export const AuditEvent = z
  .object({
    id: Id,
    at: Timestamp,
    action: z.string().describe('e.g. `key.created`'),
    actor: z.object({
      type: z.enum(['account', 'key', 'operator', 'system', 'anonymous']),
      id: Id.nullable(),
      name: z.string(),
      keyId: Id.nullable(),
    }),
    target: z.object({ type: z.string(), id: Id, name: z.string() }),
    changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
    requestId: z.string().nullable(),
    ip: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' });

export const AuditListInput = z
  .strictObject({
    action: z.string().max(100).optional(),
    targetId: Id.optional(),
    actorId: Id.optional().describe('What this account did, in person or by its keys'),
    keyId: Id.optional().describe('What was done to this key, and with it'),
    from: TimestampInput.optional(),
    to: TimestampInput.optional(),
    ...PageInput,
  })
  .prefault({});
export const AuditListOutput = page(AuditEvent);
