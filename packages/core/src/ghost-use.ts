import type { KaanaError } from './errors.ts';
import { isOver } from './key-secrets.ts';
import type { ApiKey, KeySecret } from './model.ts';

/** Why a token that is known was refused. `rotatedOut`: an old secret of a key that works on with a newer one. */
export const GHOST_REASONS = ['revoked', 'expired', 'rotatedOut', 'ownerInactive'] as const;
export type GhostReason = (typeof GHOST_REASONS)[number];

/** From where a token that no longer works is still sent. */
export type GhostSource = {
  readonly address: string;
  readonly userAgent: string;
  readonly count: number;
  readonly lastAt: Date;
  /** Of the last attempt. */
  readonly reason: GhostReason;
  readonly secretId: string;
};

/** Attempts with tokens of a key that no longer work. Neither a token nor its digest is in it. */
export type GhostUse = {
  readonly keyId: string;
  readonly counts: Readonly<Record<GhostReason, number>>;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** The busiest and the latest ones, the latest first. What others have done is in `counts` alone. */
  readonly sources: readonly GhostSource[];
};

/** Sources that are kept of a key: half of them for being the busiest, half for being the latest. */
export const MAX_GHOST_SOURCES = 20;
/** So long after the last attempt they are forgotten. */
export const GHOST_KEPT_DAYS = 90;

export const noGhosts = (): Record<GhostReason, number> => ({
  revoked: 0,
  expired: 0,
  rotatedOut: 0,
  ownerInactive: 0,
});
export const totalGhosts = (counts: Readonly<Record<GhostReason, number>>): number =>
  GHOST_REASONS.reduce((sum, reason) => sum + counts[reason], 0);

const latestFirst = (a: GhostSource, b: GhostSource) => b.lastAt.getTime() - a.lastAt.getTime();

/** At most `max` of the sources, so that neither a flood of new ones nor a loud old one hides the others. */
export const boundSources = (
  sources: readonly GhostSource[],
  max: number = MAX_GHOST_SOURCES,
): readonly GhostSource[] => {
  if (sources.length <= max) return sources.toSorted(latestFirst);
  const byCount = sources.toSorted((a, b) => b.count - a.count || latestFirst(a, b));
  const busiest = byCount.slice(0, max / 2);
  const latest = byCount
    .slice(max / 2)
    .sort(latestFirst)
    .slice(0, max / 2);
  return [...busiest, ...latest].sort(latestFirst);
};

/** What is known of a key's attempts, with those that came since. */
export const mergeGhostUse = (known: GhostUse | null, fresh: GhostUse): GhostUse => {
  if (!known) return { ...fresh, sources: boundSources(fresh.sources) };
  const counts = noGhosts();
  for (const reason of GHOST_REASONS) counts[reason] = known.counts[reason] + fresh.counts[reason];
  const byAddress = new Map(known.sources.map((source) => [source.address, source]));
  for (const source of fresh.sources) {
    const before = byAddress.get(source.address);
    const later = before && before.lastAt > source.lastAt ? before : source;
    byAddress.set(source.address, { ...later, count: source.count + (before?.count ?? 0) });
  }
  return {
    keyId: known.keyId,
    counts,
    firstAt: known.firstAt < fresh.firstAt ? known.firstAt : fresh.firstAt,
    lastAt: known.lastAt > fresh.lastAt ? known.lastAt : fresh.lastAt,
    sources: boundSources([...byAddress.values()]),
  };
};

type RefusedKey = { readonly key: ApiKey; readonly secret: KeySecret };

/** Apart from the errors themselves, which are logged and shown: a key's digests are neither. */
const refusedKeys = new WeakMap<KaanaError, RefusedKey>();

/** Remembers which key a refusal is about, for those who count it. */
export const refusalOfKey = (refusal: KaanaError, key: ApiKey, secret: KeySecret): KaanaError => {
  refusedKeys.set(refusal, { key, secret });
  return refusal;
};

const reasonOf = (code: KaanaError['code'], { key, secret }: RefusedKey, now: number): GhostReason => {
  if (code === 'key_revoked') return 'revoked';
  if (code === 'account_inactive') return 'ownerInactive';
  if (key.expiresAt && key.expiresAt.getTime() <= now) return 'expired';
  // Else it is a key that it comes from which has expired.
  return isOver(secret, now) ? 'rotatedOut' : 'expired';
};

export type Ghost = {
  readonly keyId: string;
  readonly secretId: string;
  readonly reason: GhostReason;
};

/** The key whose token was refused for good; `null` where the refusal is not about one. */
export const ghostOf = (refusal: KaanaError, now: number): Ghost | null => {
  const refused = refusedKeys.get(refusal);
  if (!refused) return null;
  const { key, secret } = refused;
  return { keyId: key.id, secretId: secret.id, reason: reasonOf(refusal.code, refused, now) };
};
