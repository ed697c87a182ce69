import type { AddressInfo } from 'node:net';
import { createTestApi, type TestApi } from '@kaana/api/testing';
import { buildApp } from '../../../../apps/server/src/app.ts';

export type ListeningServer = AsyncDisposable & { readonly api: TestApi; readonly url: string };

/** The real server on a free port, over a database of its own. */
export const openListeningServer = async (): Promise<ListeningServer> => {
  const api = await createTestApi();
  const app = await buildApp({
    domain: api.domain,
    ping: () => api.database.ping(),
    adminRoot: '/nonexistent',
    settings: { trustProxy: false, logLevel: 'silent', publicUrl: undefined },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    api,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await api[Symbol.asyncDispose]();
    },
  };
};
