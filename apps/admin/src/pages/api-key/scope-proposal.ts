import type { Key, Permission, SuggestedScopes } from '../../trpc.ts';
import type { Mode } from '../api-keys/mode.ts';

/** What the dialog for a key's limits is to begin with. */
export type ScopeProposal = { readonly scopes: readonly Permission[]; readonly scopesMode: Mode };

const sameSet = (a: readonly Permission[], b: readonly Permission[]) =>
  a.length === b.length && a.every((permission) => b.includes(permission));

/** e.g. "Uses 2 of its 5 permissions since Nov 3, 2026." */
export const usageText = ({ permissions, requests }: SuggestedScopes, since: string): string => {
  const used = permissions.filter(({ lastUsedAt }) => lastUsedAt !== null).length;
  const all = permissions.length;
  const which = used === all ? `all ${all} of its permissions` : `${used} of its ${all} permissions`;
  return `Uses ${which} since ${since}, in ${requests} ${requests === 1 ? 'request' : 'requests'}.`;
};

type Step = { readonly label: string; readonly hint: string; readonly proposal: ScopeProposal };

/**
 * The next step towards a key that may do what it uses and no more; `null`: there is none. First the suggestion only
 * reports what it would refuse; once that is nothing it is enforced. A key that is held to scopes already is narrowed in
 * force: in report mode it could do all that its owner may, which is more than now.
 */
export const narrowing = (
  { scopes, scopesMode }: Pick<Key, 'scopes' | 'scopesMode'>,
  { suggested }: Pick<SuggestedScopes, 'suggested'>,
): Step | null => {
  if (!suggested) return null;
  const isHeld = scopes !== null && sameSet(scopes, suggested);
  if (scopes !== null && scopesMode === 'enforce') {
    const isNarrower = suggested.every((permission) => scopes.includes(permission));
    if (isHeld || !isNarrower) return null;
    return {
      label: 'Narrow to what it uses',
      hint: 'It keeps what it was seen to use. What it loses is refused from the next request on.',
      proposal: { scopes: suggested, scopesMode: 'enforce' },
    };
  }
  if (isHeld && scopesMode === 'report') {
    return {
      label: 'Enforce',
      hint: 'It is held to what it uses, on trial: what is beyond is reported. Enforce it once nothing is reported that has to go on working.',
      proposal: { scopes: suggested, scopesMode: 'enforce' },
    };
  }
  return {
    label: 'Try with only these',
    hint: 'First on trial: what is beyond is let pass, and reported here. You enforce it later.',
    proposal: { scopes: suggested, scopesMode: 'report' },
  };
};
