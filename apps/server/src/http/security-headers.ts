import { randomBytes } from 'node:crypto';

/** Foreseen by nobody: 128 random bits. */
export const createNonce = (): string => randomBytes(16).toString('base64url');

/**
 * What the admin app may load and do. It is strict enough that markup which somebody has smuggled in neither runs nor
 * styles the page. `nonce`: of the style elements that the page itself makes.
 */
const contentSecurityPolicy = (nonce: string | null): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${nonce === null ? '' : ` 'nonce-${nonce}'`}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // No string becomes markup or a script but by the one policy of the app (apps/admin/src/trusted-types.ts).
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');

/**
 * For the pages and files of the admin app. No Strict-Transport-Security: whoever terminates TLS in front says it; from
 * here it could bind other services of the same host.
 */
export const securityHeaders = (nonce: string | null = null): Readonly<Record<string, string>> => ({
  'content-security-policy': contentSecurityPolicy(nonce),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'x-content-type-options': 'nosniff',
  // For browsers that do not know `frame-ancestors`.
  'x-frame-options': 'DENY',
});
