import { expect, it } from 'vitest';
import { call, fresh } from './call.ts';
import { ADMIN, type Created, startFleet } from './fleet.ts';
import { startServer } from './server.ts';
import { signIn } from './session.ts';

const KEYS = 10;

it('a key’s last use is the one that came last, also where an earlier one is written later by another process', async () => {
  const trusting = { TRUST_PROXY: '1' };
  await using fleet = await startFleet([trusting, trusting, trusting, trusting]);
  const { site, servers } = fleet;
  const [earlier, later] = servers;
  if (!earlier || !later) throw new Error('there are four');
  const grace = await signIn(earlier.url, ADMIN);
  const keys = await Promise.all(
    Array.from({ length: KEYS }, () => grace.mutate<Created>('keys.create', { name: 'k' })),
  );
  const use = async (url: string, token: string, address: string) => {
    const headers = { 'user-agent': `agent at ${address}`, 'x-forwarded-for': address };
    expect((await call(fresh, url, '/api/user', { token, headers })).status).toBe(200);
  };
  await Promise.all(
    keys.map(async ({ token }) => {
      await use(earlier.url, token, '192.0.2.1');
      await use(later.url, token, '198.51.100.2');
    }),
  );
  // Each writes what it has seen when it stops, at the latest.
  for (const server of [later, earlier]) expect(await server.kill()).toBe(0);
  await using reader = await startServer(site);
  const again = await signIn(reader.url, ADMIN);
  for (const { key } of keys) {
    expect(await again.query('keys.get', { id: key.id })).toMatchObject({
      lastUsedIp: '198.51.100.2',
      lastUsedUserAgent: 'agent at 198.51.100.2',
    });
  }
});
