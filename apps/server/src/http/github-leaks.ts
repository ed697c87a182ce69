import { createHash, type KeyObject, verify } from 'node:crypto';
import { GithubReport, type GithubVerdicts } from '@kaana/api';
import { type Domain, KaanaError, type LeakedToken } from '@kaana/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GithubKeys } from '../github-keys.ts';
import { refuseOtherMethods } from './methods.ts';

export const GITHUB_LEAKS_PATH = '/api/leaks/github';

/** Reports may have many matches. */
const BODY_LIMIT = 5 * 1024 * 1024;
const IDENTIFIER = /^[\w-]{1,128}$/;
/** Of an ECDSA signature by a key of 256 bits, in DER: 72 bytes at most. */
const SIGNATURE = /^[A-Za-z0-9+/]{80,100}={0,2}$/;

const invalid = (detail: string) => new KaanaError('signature_invalid', detail);

const headerOf = ({ headers }: FastifyRequest, name: string, form: RegExp): string => {
  const value = headers[name];
  if (typeof value === 'string' && form.test(value)) return value;
  throw invalid(`The header ${name} is missing, or not as GitHub sends it.`);
};

const isSigned = (body: Buffer, key: KeyObject, signature: string): boolean => {
  try {
    return verify('sha256', body, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
};

const parseReport = (body: Buffer) => {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new KaanaError('invalid_input', 'The report is not JSON.');
  }
  const parsed = GithubReport.safeParse(value);
  if (!parsed.success) throw new KaanaError('invalid_input', 'The report is not an array of matches.');
  return parsed.data;
};

/**
 * Receives what GitHub's secret scanning finds, by its partner program's protocol: a signature over the body's very
 * bytes, by one of the keys that GitHub publishes. The answer says of each token whether it is one of ours, by its hash:
 * the token itself is not repeated.
 */
export const registerGithubLeaks = async (
  app: FastifyInstance,
  domain: Domain,
  keys: GithubKeys,
): Promise<void> => {
  await app.register(async (scope) => {
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(GITHUB_LEAKS_PATH, { bodyLimit: BODY_LIMIT }, async (request): Promise<GithubVerdicts> => {
      const identifier = headerOf(request, 'github-public-key-identifier', IDENTIFIER);
      const signature = headerOf(request, 'github-public-key-signature', SIGNATURE);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const key = await keys.find(identifier);
      if (!key || !isSigned(body, key, signature)) throw invalid('The report is not signed by GitHub.');
      const matches = parseReport(body);
      const leaked = matches.map(
        ({ token, url }): LeakedToken => ({ token, source: { reporter: 'github', url: url || null } }),
      );
      const known = await domain.leaks.report(leaked, { requestId: request.id, ip: request.ip });
      return matches.map(({ token, type }) => ({
        token_hash: createHash('sha256').update(token).digest('hex'),
        token_type: type,
        label: known.has(token) ? 'true_positive' : 'false_positive',
      }));
    });
    refuseOtherMethods(scope, GITHUB_LEAKS_PATH, ['POST']);
  });
};
