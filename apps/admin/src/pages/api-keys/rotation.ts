import type { Key } from '../../trpc.ts';

/** The secret that a rotation has replaced, while it still works. */
export const oldSecret = (key: Key, now: number): Key['secrets'][number] | null => {
  if (key.status !== 'active') return null;
  const old = key.secrets[1];
  return old && (old.expiresAt === null || new Date(old.expiresAt).getTime() > now) ? old : null;
};
