import { describe, expect, it } from 'vitest';
import { assessKey } from './authentication.ts';
import type { ApiKey, KeySecret } from './model.ts';
import { UNRESTRICTED } from './restrictions.ts';

const secret: KeySecret = {
  id: 'sec_1',
  digest: 'digest',
  pepperId: 'p1',
  start: 'kaana_abcdef',
  createdAt: new Date(0),
  expiresAt: null,
};
const key: ApiKey = {
  id: 'key_1',
  organizationId: 'org_1',
  accountId: 'acc_1',
  name: 'key',
  secrets: [secret],
  status: 'active',
  slot: 0,
  ...UNRESTRICTED,
  scopesChangedAt: null,
  allowedIpsChangedAt: null,
  createdAt: new Date(0),
  expiresAt: null,
  revokedAt: null,
  revokedReason: null,
  limits: null,
  credits: null,
};
const at = new Date(1_000);

describe('the verdict on a key', () => {
  const verdict = (changes: Partial<ApiKey>, of: Partial<KeySecret>, now: number) =>
    assessKey({ ...key, ...changes }, { ...secret, ...of }, now)?.code ?? null;

  it('is none for an active key and secret', () => {
    expect(verdict({}, {}, 5_000)).toBeNull();
    expect(verdict({ expiresAt: at }, { expiresAt: at }, 999)).toBeNull();
  });

  it('is "expired" from the very millisecond on, for the key and for a secret that was rotated out', () => {
    expect(verdict({ expiresAt: at }, {}, 1_000)).toBe('key_expired');
    expect(verdict({}, { expiresAt: at }, 1_000)).toBe('key_expired');
  });

  it('is "revoked" before anything else', () => {
    expect(verdict({ status: 'revoked', expiresAt: at }, { expiresAt: at }, 5_000)).toBe('key_revoked');
    expect(verdict({ status: 'revoked' }, {}, 0)).toBe('key_revoked');
  });
});
