import {
  type ApiKey,
  type Domain,
  type HealthPosition,
  healthOf,
  KaanaError,
  type KeyHealth,
  listHealth,
  type Organization,
  type Principal,
} from '@kaana/core';
import type { z } from 'zod';
import type * as contract from './contracts/health.ts';
import { toKeys } from './wire.ts';

const cursorOf = ({ window, after }: HealthPosition): string =>
  Buffer.from(JSON.stringify([window, after?.score ?? null, after?.id ?? null])).toString('base64url');

const parsed = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
};

/** Errors: `invalid_input` for what is no cursor of this list. */
const positionOf = (cursor: string | undefined): HealthPosition => {
  if (cursor === undefined) return { window: null, after: null };
  const parts = parsed(cursor);
  if (Array.isArray(parts) && parts.length === 3) {
    const [window, score, id] = parts as unknown[];
    if (window === null || typeof window === 'string') {
      if (Number.isSafeInteger(score) && typeof id === 'string')
        return { window, after: { score: score as number, id } };
      if (window !== null && score === null && id === null) return { window, after: null };
    }
  }
  throw new KaanaError('invalid_input', 'cursor is not one that this list gave.', {
    errors: [{ path: 'cursor', message: 'must be the nextCursor of the same list' }],
  });
};

type Wire = z.infer<typeof contract.KeyHealth>;

const toKeyHealth = async (domain: Domain, rows: readonly KeyHealth[]): Promise<Wire[]> => {
  const keys = await toKeys(
    domain,
    rows.map(({ key }) => key),
  );
  return keys.flatMap((key, index) => {
    const row = rows[index];
    if (!row) return [];
    const { score, findings, safeToRemove } = row;
    return [{ key, score, findings: [...findings], safeToRemove }];
  });
};

/** The worst keys first, as far as `listHealth` looks at once. */
export const toHealthPage = async (
  domain: Domain,
  principal: Principal,
  { cursor, ...query }: z.infer<typeof contract.KeyHealthListInput>,
) => {
  const position = positionOf(cursor);
  const { rows, next } = await listHealth(domain.stores, principal, { ...query, position }, domain.clock());
  return { data: await toKeyHealth(domain, rows), nextCursor: next && cursorOf(next) };
};

export const toOneHealth = async (domain: Domain, organization: Organization, key: ApiKey): Promise<Wire> => {
  const rows = await healthOf(domain.stores, organization, [key], domain.clock());
  const [one] = await toKeyHealth(domain, rows);
  if (!one) throw new Error('one key in, none out');
  return one;
};
