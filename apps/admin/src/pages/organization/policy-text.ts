import { permissionWords } from '../../permissions.ts';
import type { Policies, PolicyImpact } from '../../trpc.ts';

const days = (count: number) => `${count} ${count === 1 ? 'day' : 'days'}`;

const idleText = ({ idleDays, idleAction }: Policies): string => {
  if (idleDays === null) return 'Nothing happens to them';
  return `${idleAction === 'disable' ? 'Revoked, for good,' : 'Marked as idle'} after ${days(idleDays)} without use`;
};

const LEAK_TEXT: Readonly<Record<Policies['onLeak'], string>> = {
  revoke: 'Revoked at once',
  flag: 'Marked as found in public, and works on',
  notify: 'Marked as found in public, and webhooks are told; works on',
};

/** All policies in words; `[term, text]`. */
export const policyRows = (policies: Policies): readonly (readonly [term: string, text: string])[] => [
  ['Longest lifetime', policies.maxLifetimeDays === null ? 'No maximum' : days(policies.maxLifetimeDays)],
  ['Expiry', policies.expiryRequired ? 'Every key has to expire' : 'Keys may last for ever'],
  ['Unused keys', idleText(policies)],
  [
    'Keys may do',
    policies.allowedScopes
      ? `At most: ${permissionWords(policies.allowedScopes)}`
      : 'All that their owners may',
  ],
  ['Keys without chosen permissions', policies.unscopedAllowed ? 'May be made' : 'Cannot be made'],
  ['Key found in public', LEAK_TEXT[policies.onLeak]],
];

export type PolicyChange = { readonly term: string; readonly from: string; readonly to: string };

/** What is different, in words. */
export const policyChanges = (before: Policies, after: Policies): PolicyChange[] => {
  const texts = new Map(policyRows(before));
  return policyRows(after).flatMap(([term, to]) => {
    const from = texts.get(term) ?? '';
    return from === to ? [] : [{ term, from, to }];
  });
};

/** What goes on being revoked by itself from now on, and was not before. */
export const standingRevocations = (before: Policies, after: Policies): string[] => {
  const texts: string[] = [];
  const ends = ({ idleDays, idleAction }: Policies) => (idleAction === 'disable' ? idleDays : null);
  const now = ends(after);
  const then = ends(before);
  if (now !== null && (then === null || now < then)) {
    texts.push(
      `From now on every key that nobody uses for ${days(now)} is revoked, for good. What runs less often than that stops working.`,
    );
  }
  if (after.onLeak === 'revoke' && before.onLeak !== 'revoke') {
    texts.push(
      'From now on a key whose token is found in public is revoked at once, whatever still uses it, and nobody is asked.',
    );
  }
  return texts;
};

const keys = (count: number, one: string, many: string) =>
  count === 1 ? `1 key ${one}` : `${count} keys ${many}`;

/** What happens to keys that are there, the gravest first. */
export const impactLines = ({ revoked, narrowed, violating, idle }: PolicyImpact): string[] => [
  ...(revoked > 0 ? [`${keys(revoked, 'is', 'are')} revoked within the hour, for good, being unused.`] : []),
  ...(narrowed > 0 ? [`${keys(narrowed, 'may', 'may')} do less, from the next request on.`] : []),
  ...(violating > 0
    ? [
        `${keys(violating, 'does', 'do')} not keep to them: they work on, and cannot be rotated before that is mended.`,
      ]
    : []),
  ...(idle > 0 ? [`${keys(idle, 'is', 'are')} marked as idle.`] : []),
];

/** More than these nobody reads. */
const MAX_NAMED = 3;
type Example = PolicyImpact['examples'][number];

/** Why a key is among the examples, in a few words each. */
export const reasonTexts = ({ reasons, loses }: Example): string[] =>
  reasons.map(({ effect, policy }) => {
    if (effect === 'narrowed') {
      return loses.length > MAX_NAMED ? `loses ${loses.length} permissions` : `loses ${loses.join(', ')}`;
    }
    switch (policy) {
      case 'maxLifetimeDays':
        return 'lives too long';
      case 'expiryRequired':
        return 'never expires';
      case 'unscopedAllowed':
        return 'has no chosen permissions';
      case 'allowedScopes':
        return 'was given more than keys may do';
      default:
        return effect === 'revoked' ? 'unused: is revoked' : 'unused';
    }
  });
