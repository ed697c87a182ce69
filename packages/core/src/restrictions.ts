import { KaanaError } from './errors.ts';
import type { ApiKey } from './model.ts';

/** What becomes of a list: nothing, a note of what it would refuse, or the refusal. */
export const RESTRICTION_MODES = ['off', 'report', 'enforce'] as const;
export type RestrictionMode = (typeof RESTRICTION_MODES)[number];

/** How old keys, which have no mode, have always been treated. */
export const DEFAULT_MODES = {
  scopesMode: 'enforce',
  allowedIpsMode: 'enforce',
  scopesChangedAt: null,
  allowedIpsChangedAt: null,
} as const satisfies Partial<ApiKey>;

type Scopes = Pick<ApiKey, 'scopes' | 'scopesMode'>;
type AllowedIps = Pick<ApiKey, 'allowedIps' | 'allowedIpsMode'>;

/** The scopes that a key is held to; `null`: it has all that its owner has. */
export const enforcedScopes = ({ scopes, scopesMode }: Scopes): ApiKey['scopes'] =>
  scopesMode === 'enforce' ? scopes : null;
/** The scopes that a key may exceed, but not unnoticed; `null`: none. */
export const reportedScopes = ({ scopes, scopesMode }: Scopes): ApiKey['scopes'] =>
  scopesMode === 'report' ? scopes : null;
export const enforcedIps = ({ allowedIps, allowedIpsMode }: AllowedIps): ApiKey['allowedIps'] =>
  allowedIpsMode === 'enforce' ? allowedIps : null;
export const reportedIps = ({ allowedIps, allowedIpsMode }: AllowedIps): ApiKey['allowedIps'] =>
  allowedIpsMode === 'report' ? allowedIps : null;

/** A mode without a list means nothing, and is shown so. */
export const shownMode = (list: readonly unknown[] | null, mode: RestrictionMode): RestrictionMode =>
  list === null ? 'off' : mode;

type Restriction<List> = { readonly list: List | null; readonly mode: RestrictionMode };
type Wanted<List> = { readonly list: List | null | undefined; readonly mode: RestrictionMode | undefined };

/**
 * A list and its mode as they are to be written: whoever sets a list sets its mode with it, so that of two changes at
 * the same moment one holds as a whole. A key's first list is enforced unless something else is said; a list that
 * replaces another one keeps its mode.
 */
const settle = <List>(
  held: Restriction<List>,
  wanted: Wanted<List>,
  name: 'scopes' | 'allowedIps',
): Partial<Restriction<List>> => {
  const { list, mode } = wanted;
  if (list === undefined && mode === undefined) return {};
  if ((list === undefined ? held.list : list) !== null) {
    if (list === undefined) return mode === undefined ? {} : { mode };
    return { list, mode: mode ?? (held.list === null ? 'enforce' : held.mode) };
  }
  if (mode !== undefined && mode !== 'off') {
    const field = `${name}Mode`;
    throw new KaanaError(
      'invalid_input',
      `${field} says what becomes of ${name}, but there are none: give both.`,
      {
        errors: [{ path: field, message: `needs ${name}` }],
      },
    );
  }
  return list === undefined ? {} : { list, mode: 'enforce' };
};

export type Restrictions = Pick<ApiKey, 'scopes' | 'scopesMode' | 'allowedIps' | 'allowedIpsMode'>;
/** What somebody wants of a key's restrictions; what is left out stays as it is. */
export type RestrictionChange = { readonly [Field in keyof Restrictions]?: Restrictions[Field] | undefined };

export const UNRESTRICTED: Restrictions = {
  scopes: null,
  scopesMode: 'enforce',
  allowedIps: null,
  allowedIpsMode: 'enforce',
};

/** Errors: `invalid_input` where a mode is given for a list that there is not. */
export const settleRestrictions = (held: Restrictions, change: RestrictionChange): Partial<Restrictions> => {
  const scopes = settle(
    { list: held.scopes, mode: held.scopesMode },
    { list: change.scopes, mode: change.scopesMode },
    'scopes',
  );
  const ips = settle(
    { list: held.allowedIps, mode: held.allowedIpsMode },
    { list: change.allowedIps, mode: change.allowedIpsMode },
    'allowedIps',
  );
  return {
    ...(scopes.list === undefined ? {} : { scopes: scopes.list }),
    ...(scopes.mode === undefined ? {} : { scopesMode: scopes.mode }),
    ...(ips.list === undefined ? {} : { allowedIps: ips.list }),
    ...(ips.mode === undefined ? {} : { allowedIpsMode: ips.mode }),
  };
};
