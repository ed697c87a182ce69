import { type Call, call, keepAlive, verdict } from './call.ts';
import { type Created, invite, type Member, pick } from './fleet.ts';
import type { Session } from './session.ts';

/** Something that a key may do until it is taken away, and how it is taken. */
export type Threat = {
  readonly kind: Kind;
  readonly rest: { readonly path: string } & Call;
  readonly trpc: { readonly path: string } & Call;
  readonly token: string;
  readonly permission: string;
  /** The verdict while it is allowed, and once it is not. */
  readonly served: string;
  readonly refused: string;
  /** Takes it away; resolves once that is acknowledged, with what must still be served. */
  take(): Promise<{ readonly path: string } & Call>;
  /** Makes the account and the key as they were, for the next one. */
  restore(): Promise<unknown>;
};

export type Kind =
  | 'revoke the key'
  | 'rotate its secret out at once'
  | 'end its rotation'
  | 'use its new secret first'
  | 'reach the end of the overlap'
  | 'narrow the scopes'
  | 'narrow the role'
  | 'deactivate the account';

const trpcGet = (procedure: string) => ({ path: `/trpc/${procedure}` });
const trpcPost = (procedure: string, body: unknown) => ({ path: `/trpc/${procedure}`, method: 'POST', body });
const PROJECT = 'prj_that_is_not_there';
const nothing = () => Promise.resolve();
const agent = keepAlive();

const moment = async (at: number) => {
  while (Date.now() < at) await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
};

/** A member of the admin's organization, whose keys and account changes are made through any of the servers. */
export type Victim = {
  /** Prepares one threat; the victim stands for one at a time. */
  threat(kind: Kind): Promise<Threat>;
};

export const createVictim = async (admin: Session, urls: readonly string[]): Promise<Victim> => {
  const member: Member = await invite(admin, pick(urls), 'member');
  const { token: tool } = await member.session.mutate<Created>('keys.create', { name: 'makes the others' });

  const createKey = async (scopes?: string[]): Promise<Created> => {
    const body = { name: 'victim', ...(scopes ? { scopes } : {}) };
    const answer = await call(agent, pick(urls), '/api/keys', { method: 'POST', token: tool, body });
    if (answer.status !== 201) throw new Error(`no key was made: ${verdict(answer)}`);
    return JSON.parse(answer.text) as Created;
  };
  const updateMember = (change: object) => admin.mutate('members.update', { id: member.id, ...change });

  return {
    threat: async (kind) => {
      const { key, token } = await createKey(
        kind === 'narrow the scopes' ? ['projects:read', 'usage:read'] : undefined,
      );
      const base = { kind, token, permission: 'projects:read', served: '200', restore: nothing } as const;
      const user = { rest: { path: '/api/user', token }, trpc: { ...trpcGet('user.me'), token } };
      const witness = { path: '/api/user', token: tool };
      switch (kind) {
        case 'revoke the key':
          return {
            ...base,
            ...user,
            refused: '401 key_revoked',
            take: async () => {
              await admin.mutate('keys.revoke', { id: key.id });
              return witness;
            },
          };
        case 'rotate its secret out at once':
          return {
            ...base,
            ...user,
            refused: '401 key_expired',
            take: async () => {
              const rotated = await admin.mutate<Created>('keys.rotate', { id: key.id, overlapSeconds: 0 });
              return { path: '/api/user', token: rotated.token };
            },
          };
        case 'end its rotation': {
          const rotated = await admin.mutate<Created>('keys.rotate', { id: key.id });
          return {
            ...base,
            ...user,
            refused: '401 key_expired',
            take: async () => {
              await admin.mutate('keys.endRotation', { id: key.id });
              return { path: '/api/user', token: rotated.token };
            },
          };
        }
        case 'use its new secret first': {
          const input = { id: key.id, overlapSeconds: 0, overlapBegins: 'firstUse' };
          const rotated = await admin.mutate<Created>('keys.rotate', input);
          const use = { path: '/api/user', token: rotated.token };
          return {
            ...base,
            ...user,
            refused: '401 key_expired',
            take: async () => {
              const answer = await call(agent, pick(urls), use.path, use);
              if (answer.status !== 200) throw new Error(`the new secret was refused: ${verdict(answer)}`);
              return use;
            },
          };
        }
        case 'reach the end of the overlap':
          return {
            ...base,
            ...user,
            refused: '401 key_expired',
            take: async () => {
              const rotated = await admin.mutate<
                Created & { key: { secrets: { expiresAt: string | null }[] } }
              >('keys.rotate', { id: key.id, overlapSeconds: 1, overlapBegins: 'now' });
              await moment(Date.parse(rotated.key.secrets[1]?.expiresAt ?? ''));
              return { path: '/api/user', token: rotated.token };
            },
          };
        case 'narrow the scopes':
          return {
            ...base,
            rest: { path: '/api/projects', token },
            trpc: { ...trpcGet('projects.list'), token },
            refused: '403 permission_denied',
            take: async () => {
              await admin.mutate('keys.update', { id: key.id, scopes: ['usage:read'] });
              return { path: '/api/usage', token };
            },
          };
        case 'narrow the role':
          // Nothing is there to be deleted, so that what is allowed costs and changes nothing either.
          return {
            ...base,
            rest: { path: `/api/projects/${PROJECT}`, method: 'DELETE', token },
            trpc: { ...trpcPost('projects.delete', { id: PROJECT }), token },
            permission: 'projects:write',
            served: '404 not_found',
            refused: '403 permission_denied',
            take: async () => {
              await updateMember({ role: 'viewer' });
              return witness;
            },
            restore: () => updateMember({ role: 'member' }),
          };
        case 'deactivate the account': {
          return {
            ...base,
            ...user,
            refused: '403 account_inactive',
            take: async () => {
              await updateMember({ status: 'deactivated' });
              return { path: '/healthz' };
            },
            restore: () => updateMember({ status: 'active' }),
          };
        }
      }
    },
  };
};
