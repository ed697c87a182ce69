import { createSharedSite, type RunningServer, runCommand, type Site, startServer } from './server.ts';
import { type Key, type Session, signIn } from './session.ts';

/** Several server processes over one database. */
export type Fleet = AsyncDisposable & {
  readonly site: Site;
  readonly servers: readonly RunningServer[];
  readonly urls: readonly string[];
  /** Stops all at once and gracefully; resolves with what each ended with. */
  stop(): Promise<(number | string)[]>;
};

/** Starts one server for each environment; the first alone, since it fills the empty database. */
export const startFleet = async (
  environments: readonly Record<string, string>[],
  created?: Site,
): Promise<Fleet> => {
  const site = created ?? (await createSharedSite());
  const started: Promise<RunningServer>[] = [];
  const end = async () => {
    for (const outcome of await Promise.allSettled(started)) {
      if (outcome.status === 'fulfilled') await outcome.value.kill('SIGKILL');
    }
    if (!created) await site[Symbol.asyncDispose]();
  };
  let servers: RunningServer[];
  try {
    for (const [index, environment] of environments.entries()) {
      started.push(startServer(site, environment));
      if (index === 0) await started[0];
    }
    servers = await Promise.all(started);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    site,
    servers,
    urls: servers.map(({ url }) => url),
    stop: () => Promise.all(servers.map((server) => server.kill())),
    [Symbol.asyncDispose]: end,
  };
};

export const FOUR: readonly Record<string, string>[] = [{}, {}, {}, {}];

export type Created = { readonly key: Key; readonly token: string };
export type Member = { readonly id: string; readonly email: string; readonly session: Session };

/** The admin of the demo's enterprise organization. */
export const ADMIN = 'grace@globex.test';

let invited = 0;

/** Somebody new in the admin's organization, signed in at `url`. */
export const invite = async (admin: Session, url: string, role: string): Promise<Member> => {
  const email = `person${++invited}@members.test`;
  const { member, initialPassword } = await admin.mutate<{ member: { id: string }; initialPassword: string }>(
    'members.invite',
    { email, name: `Person ${invited}`, role },
  );
  return { id: member.id, email, session: await signIn(url, email, initialPassword) };
};

export const setLimit = async (site: Site, organization: string, limit: number): Promise<void> => {
  const { status, output } = await runCommand(
    site,
    'organization',
    'set',
    organization,
    '--requests-per-minute',
    String(limit),
  );
  if (status !== 0) throw new Error(output);
};

/** So many that no test meets it. */
export const UNLIMITED = 1_000_000_000;

export const pick = <Item>(items: readonly Item[]): Item => {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};
