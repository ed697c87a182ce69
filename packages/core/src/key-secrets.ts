import { mintToken, tokenStart } from '@kaana/api-key';
import type { Peppers } from '@kaana/api-key/digest';
import { createId } from './ids.ts';
import type { ApiKey, KeySecret } from './model.ts';

/** When a rotation's overlap begins: with the first use of the new secret, or with the rotation. */
export const OVERLAP_BEGINNINGS = ['firstUse', 'now'] as const;
export type OverlapBeginning = (typeof OVERLAP_BEGINNINGS)[number];

/** For how long, and from when on, the old secret of a rotation goes on working. */
export type Overlap = { readonly seconds: number; readonly begins: OverlapBeginning };

type Secrets = readonly [KeySecret, ...KeySecret[]];

export const mintSecret = (peppers: Peppers, now: number): { token: string; secret: KeySecret } => {
  const token = mintToken();
  return {
    token,
    secret: {
      id: createId('sec', now),
      digest: peppers.digest(token),
      pepperId: peppers.current.id,
      start: tokenStart(token),
      createdAt: new Date(now),
      expiresAt: null,
    },
  };
};

/** Whether it works no more. */
export const isOver = ({ ended, expiresAt }: Pick<KeySecret, 'ended' | 'expiresAt'>, now: number): boolean =>
  ended === true || (expiresAt !== null && expiresAt.getTime() <= now);

export const secretsOf = ({ id, secrets: [newest, ...older] }: Pick<ApiKey, 'id' | 'secrets'>): Secrets => {
  if (!newest) throw new Error(`key ${id} has no secret`);
  return [newest, ...older];
};

/** The secret that a rotation has replaced, while it still works. */
export const oldSecretOf = (key: Pick<ApiKey, 'id' | 'secrets'>, now: number): KeySecret | null => {
  const [, ...older] = secretsOf(key);
  return older.find((secret) => !isOver(secret, now)) ?? null;
};

const earliest = (...dates: readonly (Date | null)[]): Date | null => {
  const times = dates.flatMap((date) => date?.getTime() ?? []);
  return times.length > 0 ? new Date(Math.min(...times)) : null;
};

const withoutMark = ({ unused: _unused, ...secret }: KeySecret): KeySecret => secret;

const ended = (secret: KeySecret, now: number): KeySecret => ({
  ...withoutMark(secret),
  expiresAt: new Date(now),
  ended: true,
});

/** A key's secrets before and after each step of a rotation. The old one never outlives the key. */
export const rotated = (
  key: Pick<ApiKey, 'id' | 'secrets' | 'expiresAt'>,
  secret: KeySecret,
  { seconds, begins }: Overlap,
  now: number,
): Secrets => {
  const [before] = secretsOf(key);
  const old = withoutMark(before);
  if (begins === 'firstUse') {
    return [
      { ...secret, unused: { overlapSeconds: seconds } },
      { ...old, expiresAt: key.expiresAt },
    ];
  }
  if (seconds === 0) return [secret, ended(old, now)];
  const expiresAt = earliest(new Date(now + seconds * 1000), key.expiresAt);
  return [
    { ...secret, unused: { overlapSeconds: null } },
    { ...old, expiresAt },
  ];
};

export const firstUsed = (key: Pick<ApiKey, 'id' | 'secrets' | 'expiresAt'>, now: number): Secrets => {
  const [newest, ...older] = secretsOf(key);
  const overlapSeconds = newest.unused?.overlapSeconds ?? null;
  const begun = (old: KeySecret): KeySecret => {
    if (overlapSeconds === null || isOver(old, now)) return old;
    if (overlapSeconds === 0) return ended(old, now);
    const end = new Date(now + overlapSeconds * 1000);
    return { ...old, expiresAt: earliest(end, old.expiresAt, key.expiresAt) };
  };
  return [withoutMark(newest), ...older.map(begun)];
};

export const rotationEnded = (key: Pick<ApiKey, 'id' | 'secrets'>, now: number): Secrets => {
  const [newest, ...older] = secretsOf(key);
  return [withoutMark(newest), ...older.map((old) => (isOver(old, now) ? old : ended(old, now)))];
};

/** `old`: the one that stays, as if there had been no rotation. */
export const rotationCancelled = (
  key: Pick<ApiKey, 'id' | 'secrets'>,
  old: KeySecret,
  now: number,
): Secrets => {
  const [newest] = secretsOf(key);
  return [{ ...old, expiresAt: null }, ended(newest, now)];
};
