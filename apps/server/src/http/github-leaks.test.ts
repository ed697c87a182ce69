import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mintToken } from '@kaana/api-key';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, expectProblem, openTestServer, type TestServer } from '../testing/index.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer({
    githubKeys: { find: async (identifier) => (identifier === 'current' ? pair.publicKey : null) },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const headersOf = (body: string | Buffer, key = pair.privateKey, identifier = 'current') => ({
  'content-type': 'application/json',
  'github-public-key-identifier': identifier,
  'github-public-key-signature': sign('sha256', Buffer.from(body), key).toString('base64'),
});
const post = (payload: string | Buffer, headers: Record<string, string> = headersOf(payload)) =>
  server.app.inject({ method: 'POST', url: '/api/leaks/github', payload, headers });
const reportOf = (...tokens: string[]) =>
  JSON.stringify(
    tokens.map((token) => ({
      token,
      type: 'kaana_api_key',
      url: `https://github.com/a/b?${token}`,
      source: 'commit',
    })),
  );
const verdictOf = (token: string, label: string) => ({
  token_hash: createHash('sha256').update(token).digest('hex'),
  token_type: 'kaana_api_key',
  label,
});

const createKey = async () => {
  const { as } = await server.api.createTenant();
  return { as, ...(await as.admin.keys.create({ name: 'k' })) };
};
const statusOf = async (token: string) =>
  (await server.app.inject({ url: '/api/user', headers: bearer(token) })).statusCode;

describe("a report of GitHub's secret scanning", () => {
  it('revokes the keys that it names, and says which tokens are ours without repeating them', async () => {
    const { as, key, token } = await createKey();
    const unknown = mintToken();
    const response = await post(reportOf(token, unknown, 'nonsense'));
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual([
      verdictOf(token, 'true_positive'),
      verdictOf(unknown, 'false_positive'),
      verdictOf('nonsense', 'false_positive'),
    ]);
    expect(response.body).not.toContain(token);
    expect(await statusOf(token)).toBe(401);
    const found = await as.admin.keys.get({ id: key.id });
    expect(found).toMatchObject({
      status: 'revoked',
      revokedReason: 'leaked',
      leakedAt: found.revokedAt,
      leakSource: { reporter: 'github' },
    });
    // The token stood in the address, too.
    expect(found.leakSource?.url).toMatch(/^https:\/\/github\.com\/a\/b\?kaana_.{6}…/);
    expect(JSON.stringify(await as.admin.audit.list())).not.toContain(token);
    expect(server.lines.join('')).not.toContain(token);
  });

  it('that is sent again changes nothing more', async () => {
    const { as, key, token } = await createKey();
    const report = reportOf(token);
    const headers = headersOf(report);
    const answers = [await post(report, headers), await post(report, headers), await post(report, headers)];
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    const events = await as.admin.audit.list({ targetId: key.id });
    expect(events.data.map(({ action }) => action)).toEqual(['key.revoked', 'key.created']);
  });

  it('is refused without the right signature over the very bytes', async () => {
    const { token } = await createKey();
    const report = reportOf(token);
    const good = headersOf(report);
    const {
      'github-public-key-signature': signature,
      'github-public-key-identifier': identifier,
      ...bare
    } = good;
    const attempts: [string | Buffer, Record<string, string>][] = [
      [report, bare],
      [report, { ...bare, 'github-public-key-identifier': identifier }],
      [report, { ...bare, 'github-public-key-signature': signature }],
      [report, headersOf(report, stranger.privateKey)],
      [report, headersOf(report, pair.privateKey, 'unknown')],
      [report, { ...good, 'github-public-key-identifier': '../../etc' }],
      [report, { ...good, 'github-public-key-signature': 'A'.repeat(96) }],
      [report, { ...good, 'github-public-key-signature': 'nonsense' }],
      [`${report} `, good],
      [report.replace('"commit"', '"Commit"'), good],
      [JSON.stringify(JSON.parse(report), null, 1), good],
      [Buffer.concat([Buffer.from(report), Buffer.from([0xff])]), good],
      ['', good],
    ];
    for (const [body, headers] of attempts) expectProblem(await post(body, headers), 'signature_invalid');
    expect(await statusOf(token)).toBe(200);
    expect((await post(report, good)).statusCode).toBe(200);
  });

  it('that is signed and is no report is refused with what is wrong', async () => {
    for (const body of ['{', '{}', '[1]', '[{"type":"x"}]', '"text"', Buffer.from([0xff, 0xfe])]) {
      expectProblem(await post(body), 'invalid_input');
    }
    expect((await post('[]')).json()).toEqual([]);
    // What GitHub may add one day does not matter.
    const more = JSON.stringify([{ token: 'x', type: 't', url: null, source: null, score: 1 }]);
    expect((await post(more)).statusCode).toBe(200);
  });

  it('comes by POST, as JSON', async () => {
    expectProblem(await server.app.inject('/api/leaks/github'), 'method_not_allowed');
    const report = reportOf();
    const text = { ...headersOf(report), 'content-type': 'text/plain' };
    expectProblem(await post(report, text), 'unsupported_media_type');
  });

  it('may have more matches than any other request', async () => {
    const { token } = await createKey();
    const tokens = Array.from({ length: 9_999 }, () => mintToken());
    const response = await post(reportOf(...tokens, token));
    expect(response.statusCode).toBe(200);
    const labels = response.json<{ label: string }[]>().map(({ label }) => label);
    expect(labels.filter((label) => label === 'true_positive')).toHaveLength(1);
    expect(labels.at(-1)).toBe('true_positive');
    expect(await statusOf(token)).toBe(401);
  });

  it('is not taken where there are no keys to check it by', async () => {
    await using closed = await openTestServer();
    const report = reportOf();
    const response = await closed.app.inject({
      method: 'POST',
      url: '/api/leaks/github',
      payload: report,
      headers: headersOf(report),
    });
    expectProblem(response, 'not_found');
  });
});
