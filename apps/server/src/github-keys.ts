import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { KaanaError } from '@kaana/core';
import { z } from 'zod';

/** Where GitHub publishes the keys with which it signs its reports of leaked secrets. */
export const GITHUB_KEYS_URL = 'https://api.github.com/meta/public_keys/secret_scanning';

/** As GitHub answers: https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program */
const PublishedKeys = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })).max(100),
});

const CURVE = 'prime256v1';
/** A report that names an unknown key makes us look again, but no more often than this. */
const COOLDOWN_MS = 60_000;
/** A key that GitHub has withdrawn is not believed for longer. */
const MAX_AGE_MS = 24 * 3600_000;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;

const parseKeys = (text: string): ReadonlyMap<string, KeyObject> => {
  const keys = new Map<string, KeyObject>();
  for (const { key_identifier, key } of PublishedKeys.parse(JSON.parse(text)).public_keys) {
    const parsed = createPublicKey(key);
    if (parsed.asymmetricKeyDetails?.namedCurve === CURVE) keys.set(key_identifier, parsed);
  }
  return keys;
};

const fetchText = async (url: string): Promise<string> => {
  const response = await fetch(url, {
    headers: { accept: 'application/json', 'user-agent': 'kaana-api-keys' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) throw new Error(`${url} answered with too much`);
  }
  return text;
};

/** `source`: an address, or else a file with the same content. */
const readSource = (source: string): Promise<string> =>
  /^https?:\/\//.test(source) ? fetchText(source) : readFile(source, 'utf8');

export type GithubKeys = {
  /** `null`: GitHub has no such key. Error: `overloaded`, while its keys cannot be had. */
  find(identifier: string): Promise<KeyObject | null>;
};

export const createGithubKeys = (
  source: string,
  { now = () => performance.now(), read = readSource }: { now?: () => number; read?: typeof readSource } = {},
): GithubKeys => {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let readAt = -Infinity;
  let triedAt = -Infinity;
  let failure: unknown = null;
  let reading: Promise<void> | null = null;

  const refresh = async (): Promise<void> => {
    triedAt = now();
    try {
      keys = parseKeys(await read(source));
      readAt = triedAt;
      failure = null;
    } catch (error) {
      failure = error;
    } finally {
      reading = null;
    }
  };

  return {
    find: async (identifier) => {
      const isOld = now() - readAt > MAX_AGE_MS;
      if ((isOld || !keys.has(identifier)) && now() - triedAt > COOLDOWN_MS) reading ??= refresh();
      if (reading) await reading;
      const known = now() - readAt > MAX_AGE_MS ? undefined : keys.get(identifier);
      if (known) return known;
      if (failure === null) return null;
      throw new KaanaError(
        'overloaded',
        "GitHub's public keys cannot be had just now. Send the report again.",
        {
          retryAfterSeconds: COOLDOWN_MS / 1000,
          cause: failure,
        },
      );
    },
  };
};
