export { type ParsedToken, parseToken } from '@kaana/api-key';
export { createKaanaClient, type KaanaClient, type KeyVerdict } from './client.ts';
export { KaanaApiError, type KaanaApiErrorCode, type KaanaFieldError } from './error.ts';
export type { KaanaClientOptions } from './options.ts';
export type { Time } from './time.ts';
export type { Fetch, FetchInit, FetchResponse } from './transport.ts';
