import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestServer } from '../testing/index.ts';

let root: string;
let server: Awaited<ReturnType<typeof openTestServer>>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kaana-admin-'));
  await writeFile(
    join(root, 'index.html'),
    '<meta property="csp-nonce" nonce="__CSP_NONCE__"><script src="/x.js"></script>',
  );
  await writeFile(join(root, 'x.js'), '');
  server = await openTestServer({ adminRoot: root });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const policyOf = async (path: string) => {
  const { headers, body } = await server.app.inject(path);
  const policy = String(headers['content-security-policy']);
  return {
    body,
    headers,
    policy,
    rules: new Map(policy.split(/;\s*/).map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1)])),
  };
};

describe('the page of the admin app', () => {
  it('allows nothing inline, no frame around it, and no string as markup', async () => {
    const { policy, rules, headers } = await policyOf('/settings/api-keys');
    expect(policy).not.toContain('unsafe');
    expect(rules.get('default-src')).toEqual(["'none'"]);
    expect(rules.get('script-src')).toEqual(["'self'"]);
    expect(rules.get('frame-ancestors')).toEqual(["'none'"]);
    expect(rules.get('base-uri')).toEqual(["'none'"]);
    expect(rules.get('require-trusted-types-for')).toEqual(["'script'"]);
    expect(rules.get('trusted-types')).toEqual(['default']);
    expect(headers['cache-control']).toBe('no-cache');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('has a nonce of its own every time, which nobody can foresee', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 5; count++) {
      const { body, rules } = await policyOf('/');
      const [, nonce = ''] = /nonce="([^"]+)"/.exec(body) ?? [];
      expect(nonce).toMatch(/^[\w-]{22}$/);
      expect(rules.get('style-src')).toEqual(["'self'", `'nonce-${nonce}'`]);
      seen.add(nonce);
    }
    expect(seen.size).toBe(5);
  });

  it('gives its files no nonce', async () => {
    const { rules } = await policyOf('/x.js');
    expect(rules.get('style-src')).toEqual(["'self'"]);
  });
});
