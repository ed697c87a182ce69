import { parsePeppers } from '@kaana/api-key/digest';
import type { WebhookReach } from '@kaana/core';
import { z } from 'zod';
import { GITHUB_KEYS_URL } from './github-keys.ts';

/** The one place that reads `process.env`. */
const flag = z.enum(['0', '1']).transform((text) => text === '1');

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const HOPS = /^(\d|[12]\d|3[0-2])$/;
const TrustedProxy = z.union([
  z.enum(['loopback', 'linklocal', 'uniquelocal']),
  z.ipv4(),
  z.ipv6(),
  z.cidrv4(),
  z.cidrv6(),
]);
const proxiesOf = (text: string): string[] => text.split(',').map((proxy) => proxy.trim());
const isTrustProxy = (text: string): boolean =>
  text === 'true' ||
  text === 'false' ||
  HOPS.test(text) ||
  proxiesOf(text).every((proxy) => TrustedProxy.safeParse(proxy).success);

const Variables = z.object({
  NODE_ENV: z.string().optional(),
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  HOST: z.string().min(1).default('127.0.0.1'),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\//, 'must begin with mongodb:// or mongodb+srv://')
    .optional(),
  DATA_DIR: z.string().min(1).default('.data'),
  KEY_PEPPER: z.string().optional(),
  ADMIN_EMAIL: z.email().optional(),
  ADMIN_PASSWORD: z
    .string()
    .min(10, 'needs at least 10 characters')
    .refine((text) => Buffer.byteLength(text) <= 72, 'can have at most 72 bytes')
    .optional(),
  ORGANIZATION_NAME: z.string().trim().min(1).max(100).optional(),
  DEMO: flag.optional(),
  WORKERS: z.coerce.number().int().min(1).max(256).default(1),
  TRUST_PROXY: z
    .string()
    .refine(isTrustProxy, 'takes true, false, a number of hops up to 32, or addresses and CIDR ranges')
    .default('0'),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('warn'),
  GITHUB_SECRET_SCANNING_KEYS: z
    .string()
    .refine((text) => !text.startsWith('http://'), 'takes an https address, the path of a file, or "off"')
    .default(GITHUB_KEYS_URL),
  WEBHOOK_ALLOW_PRIVATE: flag.default(false),
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
});

export type FirstAdmin = {
  readonly email: string;
  readonly password: string;
  readonly organizationName: string;
};

export type Environment = {
  readonly production: boolean;
  readonly port: number;
  readonly host: string;
  readonly mongodbUri: string | undefined;
  readonly dataDir: string;
  /** As given; where it is not, `secrets.ts` generates one. */
  readonly keyPepper: string | undefined;
  readonly firstAdmin: FirstAdmin | undefined;
  readonly demo: boolean;
  readonly workers: number;
  /** As Fastify takes it: whose `X-Forwarded-For` is believed. */
  readonly trustProxy: boolean | string[] | ((address: string, hop: number) => boolean);
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly publicUrl: string | undefined;
  /** An address or a file with the keys that sign reports of leaked tokens; `null`: reports are not taken. */
  readonly githubKeys: string | null;
  /** Where webhooks may lead. */
  readonly webhookReach: WebhookReach;
};

export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** `0` nobody, `1` to `32` that many hops, `true` everybody, else addresses and CIDR ranges, comma-separated. */
const readTrustProxy = (text: string): Environment['trustProxy'] => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (HOPS.test(text)) return Number(text) === 0 ? false : (_address, hop) => hop < Number(text);
  return proxiesOf(text);
};

/** Throws an `EnvironmentError` that names every variable that is wrong. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Environment => {
  // An empty variable is one that is not set: compose files and shells leave such behind.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Variables.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new EnvironmentError(`The environment is not right:\n${lines.join('\n')}`);
  }
  const variables = parsed.data;
  const production = variables.NODE_ENV === 'production';
  if (production && variables.KEY_PEPPER === undefined) {
    throw new EnvironmentError(
      'KEY_PEPPER is required in production. Make one with: echo "p1:$(openssl rand -base64 32)"\n' +
        'Keep it: without it no API key can be verified. Every process on a database needs the same.',
    );
  }
  if (variables.KEY_PEPPER !== undefined) {
    try {
      parsePeppers(variables.KEY_PEPPER);
    } catch (error) {
      throw new EnvironmentError(`KEY_PEPPER: ${error instanceof Error ? error.message : 'cannot be read'}`);
    }
  }
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password, ORGANIZATION_NAME: organizationName } = variables;
  const some = [email, password, organizationName].filter((value) => value !== undefined).length;
  if (some !== 0 && !(email && password && organizationName)) {
    throw new EnvironmentError(
      'ADMIN_EMAIL, ADMIN_PASSWORD and ORGANIZATION_NAME go together: set all three.',
    );
  }
  return {
    production,
    port: variables.PORT,
    host: variables.HOST,
    mongodbUri: variables.MONGODB_URI,
    dataDir: variables.DATA_DIR,
    keyPepper: variables.KEY_PEPPER,
    firstAdmin: email && password && organizationName ? { email, password, organizationName } : undefined,
    demo: variables.DEMO ?? !production,
    workers: variables.WORKERS,
    trustProxy: readTrustProxy(variables.TRUST_PROXY),
    logLevel: variables.LOG_LEVEL,
    githubKeys:
      variables.GITHUB_SECRET_SCANNING_KEYS === 'off' ? null : variables.GITHUB_SECRET_SCANNING_KEYS,
    webhookReach: variables.WEBHOOK_ALLOW_PRIVATE ? 'private' : production ? 'public' : 'loopback',
    publicUrl: variables.PUBLIC_URL?.replace(/\/+$/, ''),
  };
};

/** Where a command was called: `npm run` changes to the package's folder, and tells the one before. */
export const callerDirectory = (env: NodeJS.ProcessEnv): string =>
  (env.npm_lifecycle_event === 'kaana' ? env.INIT_CWD : undefined) ?? process.cwd();
