import { randomBytes } from 'node:crypto';
import { generatePepper } from '@kaana/api-key/digest';
import { describe, expect, it } from 'vitest';
import { EnvironmentError, readEnvironment } from './environment.ts';

const pepper = generatePepper('p1');

const refusalOf = (env: NodeJS.ProcessEnv): string => {
  try {
    readEnvironment(env);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
  return expect.fail(`accepted: ${JSON.stringify(env)}`);
};

describe('the environment', () => {
  it('has defaults for everything, as the contract has them', () => {
    expect(readEnvironment({})).toEqual({
      production: false,
      port: 3000,
      host: '127.0.0.1',
      mongodbUri: undefined,
      dataDir: '.data',
      keyPepper: undefined,
      firstAdmin: undefined,
      demo: true,
      workers: 1,
      webhookReach: 'loopback',
      trustProxy: false,
      logLevel: 'warn',
      publicUrl: undefined,
      githubKeys: 'https://api.github.com/meta/public_keys/secret_scanning',
    });
  });

  it('is read variable by variable', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: '0',
      HOST: '0.0.0.0',
      MONGODB_URI: 'mongodb+srv://cluster.example.net/keys',
      DATA_DIR: '/var/lib/kaana',
      KEY_PEPPER: pepper,
      ADMIN_EMAIL: 'ada@example.com',
      ADMIN_PASSWORD: 'correct horse battery',
      ORGANIZATION_NAME: ' Acme ',
      DEMO: '1',
      WORKERS: '4',
      TRUST_PROXY: '10.0.0.0/8, ::1',
      LOG_LEVEL: 'debug',
      PUBLIC_URL: 'https://keys.example.com/',
      GITHUB_SECRET_SCANNING_KEYS: 'off',
      WEBHOOK_ALLOW_PRIVATE: '1',
    };
    expect(readEnvironment(env)).toEqual({
      production: true,
      port: 0,
      host: '0.0.0.0',
      mongodbUri: 'mongodb+srv://cluster.example.net/keys',
      dataDir: '/var/lib/kaana',
      keyPepper: pepper,
      firstAdmin: { email: 'ada@example.com', password: 'correct horse battery', organizationName: 'Acme' },
      demo: true,
      workers: 4,
      webhookReach: 'private',
      trustProxy: ['10.0.0.0/8', '::1'],
      logLevel: 'debug',
      publicUrl: 'https://keys.example.com',
      githubKeys: null,
    });
  });

  it('takes an empty variable as one that is not set', () => {
    const names = ['PORT', 'HOST', 'MONGODB_URI', 'DATA_DIR', 'KEY_PEPPER', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'];
    names.push(
      'GITHUB_SECRET_SCANNING_KEYS',
      'ORGANIZATION_NAME',
      'DEMO',
      'WORKERS',
      'TRUST_PROXY',
      'LOG_LEVEL',
      'PUBLIC_URL',
      'NODE_ENV',
    );
    expect(readEnvironment(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(readEnvironment({}));
  });

  it('seeds the demo unless it is production, or told otherwise', () => {
    expect(readEnvironment({ NODE_ENV: 'production', KEY_PEPPER: pepper }).demo).toBe(false);
    expect(readEnvironment({ NODE_ENV: 'development' }).demo).toBe(true);
    expect(readEnvironment({ DEMO: '0' }).demo).toBe(false);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', 'http'],
    ['PORT', '80.5'],
    ['MONGODB_URI', 'postgres://localhost'],
    ['ADMIN_EMAIL', 'nobody'],
    ['ADMIN_PASSWORD', 'short'],
    ['DEMO', 'yes'],
    ['WORKERS', '0'],
    ['WORKERS', '1000'],
    ['TRUST_PROXY', 'nonsense'],
    ['TRUST_PROXY', '10.0.0.0/8,nonsense'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '::1/129'],
    ['TRUST_PROXY', '-1'],
    ['TRUST_PROXY', '1000'],
    ['LOG_LEVEL', 'loud'],
    ['PUBLIC_URL', 'keys.example.com'],
    ['PUBLIC_URL', 'ftp://keys.example.com'],
    ['KEY_PEPPER', 'nonsense'],
    ['KEY_PEPPER', 'p1:c2hvcnQ='],
  ])('refuses %s=%s, by name', (name, value) => {
    expect(refusalOf({ [name]: value })).toContain(name);
  });

  it('names everything that is wrong at once', () => {
    const message = refusalOf({ PORT: 'x', LOG_LEVEL: 'x', WORKERS: 'x' });
    for (const name of ['PORT', 'LOG_LEVEL', 'WORKERS']) expect(message).toContain(name);
  });

  it('never repeats a secret', () => {
    const secret = randomBytes(12).toString('hex');
    for (const env of [
      { KEY_PEPPER: secret },
      { KEY_PEPPER: `p1:${secret}` },
      { KEY_PEPPER: `p1:${secret}:${secret}` },
      { ADMIN_PASSWORD: secret.slice(0, 9) },
      { ADMIN_PASSWORD: secret.repeat(5) },
      { ADMIN_PASSWORD: secret },
      { MONGODB_URI: `mongo://user:${secret}@host` },
    ]) {
      const message = refusalOf(env);
      expect(message).not.toContain(secret.slice(0, 9));
      expect(message).toContain(Object.keys(env)[0]);
    }
  });

  it('wants a pepper in production, and says how to make one', () => {
    expect(refusalOf({ NODE_ENV: 'production' })).toContain('KEY_PEPPER is required in production');
    expect(readEnvironment({ NODE_ENV: 'production', KEY_PEPPER: pepper }).production).toBe(true);
  });

  it('wants the first admin whole', () => {
    const whole = {
      ADMIN_EMAIL: 'ada@example.com',
      ADMIN_PASSWORD: 'correct horse battery',
      ORGANIZATION_NAME: 'Acme',
    };
    for (const missing of Object.keys(whole))
      expect(refusalOf({ ...whole, [missing]: '' })).toContain('set all three');
  });

  it('takes no password that bcrypt would cut: 72 bytes, not characters', () => {
    const others = { ADMIN_EMAIL: 'ada@example.com', ORGANIZATION_NAME: 'Acme' };
    expect(refusalOf({ ...others, ADMIN_PASSWORD: 'ü'.repeat(37) })).toContain('ADMIN_PASSWORD');
    expect(readEnvironment({ ...others, ADMIN_PASSWORD: 'ü'.repeat(36) }).firstAdmin).toBeDefined();
  });

  it('believes nobody’s, everybody’s, a number of hops’ or named proxies’ X-Forwarded-For', () => {
    const read = (TRUST_PROXY: string) => readEnvironment({ TRUST_PROXY }).trustProxy;
    expect([read('0'), read('false'), read('true')]).toEqual([false, false, true]);
    expect(read('loopback, 192.0.2.1, 2001:db8::/32')).toEqual(['loopback', '192.0.2.1', '2001:db8::/32']);
    const hops = read('2');
    if (typeof hops !== 'function') return expect.fail('not a function');
    expect([0, 1, 2].map((hop) => hops('192.0.2.1', hop))).toEqual([true, true, false]);
  });
});
