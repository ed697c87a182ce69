import { createHash, randomBytes } from 'node:crypto';
import { redactTokens } from '@kaana/api-key';
import type { Clock } from './clock.ts';
import { KaanaError } from './errors.ts';
import { createId } from './ids.ts';
import { returnAttempt, takeAttempt } from './limit-question.ts';
import { THROTTLES } from './limiter.ts';
import type { Account, Actor, Session } from './model.ts';
import type { Passwords } from './passwords.ts';
import { type Caller, createEvent, eventOf, type Origin, type Principal } from './principal.ts';
import type { Stores } from './stores.ts';

/** A browser's name for itself is kept up to here. */
const USER_AGENT_LENGTH = 300;

/** How long a sign-in lasts. */
export const SESSION_LIFETIME_MS = 14 * 24 * 3600_000;

/** A session's value has 256 random bits, so that a plain hash is enough; only the hash is stored. */
export const digestSession = (value: string): string =>
  createHash('sha256').update(value).digest('base64url');

export type Sessions = {
  /** Errors: `session_invalid` (wrong e-mail or password), `account_inactive`, `rate_limited`. */
  signIn(
    input: { email: string; password: string },
    origin: Origin,
    userAgent?: string | null,
  ): Promise<{ value: string; expiresAt: Date; account: Account }>;
  signOut(caller: Caller): Promise<void>;
  /** Where the account is signed in, newest first. */
  list(principal: Principal): Promise<readonly Session[]>;
  /** Signs the account out in one place. Errors: `not_found`. */
  end(caller: Caller, id: string): Promise<void>;
  /** Signs the account out everywhere but here. Returns in how many places. */
  endOthers(caller: Caller): Promise<number>;
  /** Ends every other session of the account. Errors: `invalid_input` where the current password is wrong. */
  changePassword(caller: Caller, input: { currentPassword: string; newPassword: string }): Promise<void>;
};

export const createSessions = (
  stores: Pick<Stores, 'accounts' | 'sessions' | 'limits'>,
  passwords: Passwords,
  clock: Clock,
): Sessions => {
  /** Every attempt is counted before the password is looked at, so that parallel guesses cannot outrun the count. */
  const countAttempt = async (email: string, ip: string | null) => {
    const address = ip ?? 'unknown';
    const throttles = [
      { id: `sign-in:address:${address}`, throttle: THROTTLES.signInAddress },
      { id: `sign-in:account:${email}`, throttle: THROTTLES.signInAccount },
      { id: `sign-in:account-address:${email}:${address}`, throttle: THROTTLES.signInAccountAddress },
    ];
    for (const { id, throttle } of throttles) {
      const waitMs = await takeAttempt(stores.limits, id, throttle);
      if (waitMs !== null) {
        const seconds = Math.max(1, Math.ceil(waitMs / 1000));
        throw new KaanaError('rate_limited', `Too many wrong passwords. Try again in ${seconds} seconds.`, {
          retryAfterSeconds: seconds,
        });
      }
    }
    return () => Promise.all(throttles.map(({ id, throttle }) => returnAttempt(stores.limits, id, throttle)));
  };

  const verifyCurrent = async (email: string, ip: string | null, password: string, hash: string | null) => {
    const refund = await countAttempt(email, ip);
    const matches = await passwords.verify(password, hash);
    if (matches) await refund();
    return matches;
  };

  const endSession = (caller: Caller, { digest, id }: Session): Promise<boolean> => {
    const target = { type: 'session', id, name: caller.principal.account.email };
    return stores.sessions.delete(digest, eventOf(clock(), caller, 'session.ended', target));
  };

  return {
    signIn: async ({ email, password }, origin, userAgent = null) => {
      const account = await stores.accounts.findByEmail(email);
      if (!(await verifyCurrent(email, origin.ip, password, account?.passwordHash ?? null)) || !account) {
        throw new KaanaError('session_invalid', 'The e-mail or the password is wrong.');
      }
      if (account.status !== 'active') {
        throw new KaanaError(
          'account_inactive',
          'This account is deactivated. Ask an admin of your organization to reactivate it.',
        );
      }
      const now = clock();
      const value = randomBytes(32).toString('base64url');
      const expiresAt = new Date(now + SESSION_LIFETIME_MS);
      const id = createId('ses', now);
      const actor: Actor = { type: 'account', id: account.id, name: account.email, keyId: null };
      await stores.sessions.insert(
        {
          digest: digestSession(value),
          id,
          organizationId: account.organizationId,
          accountId: account.id,
          createdAt: new Date(now),
          expiresAt,
          ip: origin.ip,
          userAgent: userAgent && redactTokens(userAgent).slice(0, USER_AGENT_LENGTH),
        },
        createEvent(
          now,
          account.organizationId,
          actor,
          'session.created',
          { type: 'session', id, name: account.email },
          {},
          origin,
        ),
      );
      await stores.accounts.recordSignIn(account.id, new Date(now));
      return { value, expiresAt, account };
    },

    signOut: async (caller) => {
      const { account, credential } = caller.principal;
      if (credential.type !== 'session') return;
      const target = { type: 'session', id: account.id, name: account.email };
      await stores.sessions.delete(credential.digest, eventOf(clock(), caller, 'session.ended', target));
    },

    list: ({ account }) => stores.sessions.list(account.id, new Date(clock())),

    end: async (caller, id) => {
      const { account } = caller.principal;
      const session = (await stores.sessions.list(account.id, new Date(clock()))).find(
        (each) => each.id === id,
      );
      if (!session || !(await endSession(caller, session))) {
        throw new KaanaError('not_found', 'No such session: it may have ended already.');
      }
    },

    endOthers: async (caller) => {
      const { account, credential } = caller.principal;
      const here = credential.type === 'session' ? credential.digest : null;
      let ended = 0;
      for (const session of await stores.sessions.list(account.id, new Date(clock()))) {
        if (session.digest !== here && (await endSession(caller, session))) ended += 1;
      }
      return ended;
    },

    changePassword: async (caller, { currentPassword, newPassword }) => {
      const { account, credential } = caller.principal;
      if (!(await verifyCurrent(account.email, caller.origin.ip, currentPassword, account.passwordHash))) {
        throw new KaanaError('invalid_input', 'The current password is wrong.', {
          errors: [{ path: 'currentPassword', message: 'is wrong' }],
        });
      }
      const target = { type: 'account', id: account.id, name: account.email };
      const changed = await stores.accounts.update(
        account.organizationId,
        account.id,
        { passwordHash: account.passwordHash },
        { passwordHash: await passwords.hash(newPassword) },
        eventOf(clock(), caller, 'account.password_changed', target),
      );
      if (!changed) {
        throw new KaanaError(
          'changed_meanwhile',
          'The password was changed by another request. Sign in again.',
        );
      }
      await stores.sessions.deleteOfAccount(
        account.id,
        credential.type === 'session' ? credential.digest : null,
        new Date(clock()),
      );
    },
  };
};
