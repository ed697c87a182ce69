import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { hostOf, KaanaError, type OutgoingMessage, type SendResult, type WebhookTargets } from '@kaana/core';
import { Webhook } from 'standardwebhooks';

/** From the look-up of the name to the end of the answer. */
const TIMEOUT_MS = 10_000;
/** Of an answer so much is read, and thrown away, so that the receiver can finish; then the connection is cut. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const USER_AGENT = 'Kaana-Webhooks/1';

/** The headers of the specification (standardwebhooks.com), signed with each secret. */
export const signedHeaders = (
  { messageId, payload, secrets }: Pick<OutgoingMessage, 'messageId' | 'payload' | 'secrets'>,
  now: Date,
) => ({
  'webhook-id': messageId,
  'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
  'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(messageId, now, payload)).join(' '),
});

/** Gives Node the addresses that were checked, whatever the name leads to by now. */
const pinned =
  (addresses: readonly string[]): LookupFunction =>
  (_name, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    if (all) callback(null, found);
    else callback(null, found[0]?.address ?? '', found[0]?.family);
  };

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
const retryAfterMs = ({ headers }: IncomingMessage, now: number): number | null => {
  const text = headers['retry-after'];
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
};

const resultOf = (response: IncomingMessage): SendResult => {
  const status = response.statusCode ?? 0;
  const outcome = status >= 200 && status < 300 ? 'delivered' : status === 410 ? 'gone' : 'rejected';
  return { outcome, status, error: null, retryAfterMs: retryAfterMs(response, Date.now()) };
};

/** What people are told; of an error that we do not know, its code alone. */
const REASONS: Record<string, string> = {
  ECONNREFUSED: 'The connection was refused.',
  ECONNRESET: 'The connection was closed before there was an answer.',
  EHOSTUNREACH: 'The host cannot be reached.',
  ENETUNREACH: 'The network cannot be reached.',
  ABORT_ERR: `There was no answer within ${TIMEOUT_MS / 1000} seconds.`,
  CERT_HAS_EXPIRED: 'The certificate has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate is self-signed.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another host name.',
};
const unreachable = (error: unknown): SendResult => {
  const { code = 'unknown' } = error as { code?: string };
  const reason = REASONS[code] ?? `The connection failed (${code}).`;
  return { outcome: 'unreachable', status: null, error: reason, retryAfterMs: null };
};

const post = (
  url: URL,
  addresses: readonly string[],
  headers: Record<string, string>,
  payload: string,
  signal: AbortSignal,
): Promise<SendResult> =>
  new Promise((resolve) => {
    const options: RequestOptions = {
      method: 'POST',
      protocol: url.protocol,
      hostname: hostOf(url),
      port: url.port || undefined,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, 'content-length': Buffer.byteLength(payload) },
      lookup: pinned(addresses),
      // A connection of its own: none is kept that was opened to what was an allowed address then.
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    };
    const sent = (url.protocol === 'https:' ? httpsRequest : httpRequest)(options);
    let answered: SendResult | null = null;
    // Once there is a status, it has said what there is to know, whatever becomes of the rest.
    sent.on('error', (error) => resolve(answered ?? unreachable(error)));
    // Also where the answer is a change of protocol, which Node ends without a word.
    sent.on('close', () => resolve(answered ?? unreachable({ code: 'ECONNRESET' })));
    sent.on('response', (response) => {
      answered = resultOf(response);
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) response.destroy();
      });
      response.on('error', () => undefined);
    });
    sent.end(payload);
  });

/** One attempt to send a message: signed, to a checked address, without following redirects. Never rejects. */
export const createSend =
  (targets: WebhookTargets, timeoutMs = TIMEOUT_MS) =>
  async (message: OutgoingMessage): Promise<SendResult> => {
    const signal = AbortSignal.timeout(timeoutMs);
    let addresses: readonly string[];
    try {
      addresses = await targets.addressesOf(message.url);
    } catch (error) {
      const reason = error instanceof KaanaError ? error.message : 'The address cannot be looked up.';
      return { outcome: 'refused', status: null, error: reason, retryAfterMs: null };
    }
    const headers = {
      'content-type': 'application/json',
      'user-agent': USER_AGENT,
      ...signedHeaders(message, new Date()),
    };
    try {
      return await post(new URL(message.url), addresses, headers, message.payload, signal);
    } catch (error) {
      return unreachable(error);
    }
  };
