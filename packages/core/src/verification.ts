import { parseToken } from '@kaana/api-key';
import { assessAncestors, type Chain, chainReported, chainScopes } from './ancestry.ts';
import {
  assessAddress,
  assessExpiry,
  assessOwner,
  assessSecret,
  assessStatus,
  type Match,
} from './authentication.ts';
import { KaanaError } from './errors.ts';
import { statusOf } from './keys.ts';
import type { ApiKey, KeySecret } from './model.ts';
import { effectivePermissions, missingPermissions, type Permission } from './permissions.ts';
import { shownMode } from './restrictions.ts';
import type { Credentials } from './stores.ts';

/** In the order in which they are made: the first that fails is the answer. */
export const KEY_CHECKS = [
  'form',
  'checksum',
  'known',
  'organization',
  'key_status',
  'key_expiry',
  'secret',
  'ancestors',
  'owner',
  'address',
  'permissions',
  'limit',
] as const;
export type KeyCheckName = (typeof KEY_CHECKS)[number];

/** `reported`: a list in report mode would have refused it. `skipped`: it could not be made. */
export type KeyCheckOutcome = 'passed' | 'reported' | 'failed' | 'skipped';

export type KeyCheck = {
  readonly check: KeyCheckName;
  readonly outcome: KeyCheckOutcome;
  /** Of what failed, as a request would get them. */
  readonly code: KaanaError['code'] | null;
  readonly detail: string | null;
  /** What was compared: plain values, dates as ISO 8601. */
  readonly values: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
};

export type KeyQuestion = {
  readonly permissions: readonly Permission[];
  readonly ip: string | null;
  readonly now: number;
};

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

type Verdict = KaanaError | 'reported' | null;

const made = (check: KeyCheckName, verdict: Verdict, values: KeyCheck['values'] = {}): KeyCheck =>
  verdict instanceof KaanaError
    ? { check, outcome: 'failed', code: verdict.code, detail: verdict.message, values }
    : { check, outcome: verdict ?? 'passed', code: null, detail: null, values };

export const skipped = (check: KeyCheckName): KeyCheck => ({
  check,
  outcome: 'skipped',
  code: null,
  detail: null,
  values: {},
});

export const assessPermissions = (
  chain: Chain,
  held: readonly Permission[],
  wanted: readonly Permission[],
): Verdict => {
  const missing = missingPermissions(held, wanted);
  if (missing.length > 0)
    return new KaanaError('permission_denied', `The key does not have ${missing.join(', ')}.`);
  const scopes = chainReported(chain);
  return scopes && missingPermissions(scopes, wanted).length > 0 ? 'reported' : null;
};

const ofForm = (token: string, refusal: KaanaError | null): KeyCheck[] => {
  const parsed = parseToken(token);
  const reason = parsed.ok ? null : parsed.reason;
  return [
    made('form', reason === 'format' ? refusal : null, { length: token.length }),
    reason === 'format' ? skipped('checksum') : made('checksum', reason === 'checksum' ? refusal : null),
  ];
};

const ofKey = (key: ApiKey, secret: KeySecret, now: number): KeyCheck[] => [
  made('key_status', assessStatus(key), {
    status: key.status,
    revokedAt: iso(key.revokedAt),
    revokedReason: key.revokedReason,
  }),
  made('key_expiry', assessExpiry(key, now), { expiresAt: iso(key.expiresAt), now: iso(new Date(now)) }),
  made('secret', assessSecret(secret, now), {
    start: secret.start,
    createdAt: iso(secret.createdAt),
    expiresAt: iso(secret.expiresAt),
  }),
];

/** What the whole chain says of an address: a refusal, else what any of it reports. */
const assessChainAddress = (chain: Chain, ip: string | null): Verdict => {
  const verdicts = chain.map((key) => assessAddress(key, ip));
  return (
    verdicts.find((verdict) => verdict instanceof KaanaError) ?? verdicts.find((verdict) => verdict) ?? null
  );
};

const ofUse = (found: Credentials, { ip, now, permissions }: KeyQuestion): KeyCheck[] => {
  const { key, account, organization, ancestors } = found;
  const chain: Chain = [key, ...ancestors];
  const held = account ? effectivePermissions(account.role, chainScopes(chain)) : [];
  return [
    made('ancestors', assessAncestors(key, ancestors, now), {
      ids: key.ancestors ?? [],
      statuses: ancestors.map((ancestor) => statusOf(ancestor, now)),
    }),
    made('owner', assessOwner(account, organization), {
      accountId: key.accountId,
      status: account?.status ?? null,
      role: account?.role ?? null,
    }),
    made('address', assessChainAddress(chain, ip), {
      ip,
      allowedIps: key.allowedIps,
      mode: shownMode(key.allowedIps, key.allowedIpsMode),
    }),
    account
      ? made('permissions', assessPermissions(chain, held, permissions), {
          wanted: permissions,
          held,
          scopes: key.scopes,
          mode: shownMode(key.scopes, key.scopesMode),
        })
      : skipped('permissions'),
  ];
};

/** Nothing is said of a key of which the caller may not know: not even that it exists. */
export const explainUnknown = (token: string, refusal: KaanaError): KeyCheck[] => {
  const form = ofForm(token, refusal.code === 'key_malformed' ? refusal : null);
  const known = refusal.code === 'key_malformed' ? skipped('known') : made('known', refusal);
  return [...form, known, ...KEY_CHECKS.slice(3).map(skipped)];
};

/** Every check of a key, also those after the first that fails; but for the limit, which is not asked here. */
export const explain = (token: string, { found, secret }: Match, question: KeyQuestion): KeyCheck[] => {
  const { key, organization } = found;
  return [
    ...ofForm(token, null),
    made('known', null, { keyId: key.id }),
    made('organization', null, { id: key.organizationId, name: organization?.name ?? null }),
    ...ofKey(key, secret, question.now),
    ...ofUse(found, question),
  ];
};
