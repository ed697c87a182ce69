import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Peppers } from '@kaana/api-key/digest';

/** AES-256-GCM under a key that is derived from the pepper: initialization vector, tag and ciphertext, base64url. */
export type SealedSecret = { readonly sealed: string; readonly pepperId: string };

const PURPOSE = 'kaana webhook secret';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;

export const mintWebhookSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

/** `webhookId` is bound to it: moved to another webhook it cannot be opened. */
export const sealSecret = (peppers: Peppers, webhookId: string, secret: string): SealedSecret => {
  const pepperId = peppers.current.id;
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, peppers.derive(PURPOSE, pepperId), iv).setAAD(Buffer.from(webhookId));
  const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return { pepperId, sealed: Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url') };
};

/** Errors: `PepperError`, where its pepper is not configured any more; Node's, where it was tampered with. */
export const openSecret = (
  peppers: Peppers,
  webhookId: string,
  { pepperId, sealed }: SealedSecret,
): string => {
  const bytes = Buffer.from(sealed, 'base64url');
  const iv = bytes.subarray(0, IV_BYTES);
  const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, peppers.derive(PURPOSE, pepperId), iv, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(webhookId)).setAuthTag(tag);
  const plain = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
  return Buffer.concat(plain).toString('utf8');
};
