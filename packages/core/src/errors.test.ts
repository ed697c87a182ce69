import { mintToken } from '@kaana/api-key';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, KaanaError, toProblem } from './errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

describe('the table of errors', () => {
  it.each(codes)('%s has a status and the title that goes with it', (code) => {
    const { status, title } = ERRORS[code];
    const titles: Record<number, string | readonly string[]> = {
      400: 'Invalid Input',
      401: ['Invalid API Key', 'Invalid Session'],
      402: 'Payment Required',
      403: 'Unauthorized',
      404: 'Not Found',
      405: 'Method Not Allowed',
      409: 'Conflict',
      413: 'Content Too Large',
      415: 'Unsupported Media Type',
      429: 'Too Many Requests',
      500: 'Internal Error',
      503: 'Temporarily Unavailable',
    };
    expect([titles[status]].flat()).toContain(title);
  });
});

describe('a problem', () => {
  it('is made of the row, the detail and the request', () => {
    expect(toProblem(new KaanaError('not_found', 'No such project.'), 'req-1')).toEqual({
      type: 'urn:kaana:error:not_found',
      title: 'Not Found',
      status: 404,
      code: 'not_found',
      detail: 'No such project.',
      requestId: 'req-1',
    });
  });

  it('has the fields and the wait where there are any', () => {
    const errors = [{ path: 'name', message: 'must not be empty' }];
    expect(toProblem(new KaanaError('invalid_input', 'x', { errors }), 'r')).toMatchObject({ errors });
    expect(toProblem(new KaanaError('rate_limited', 'x', { retryAfterSeconds: 7 }), 'r')).toMatchObject({
      retryAfterSeconds: 7,
    });
  });

  it('never tells its cause', () => {
    const cause = new Error('mongodb://user:password@host');
    expect(
      JSON.stringify(toProblem(new KaanaError('store_unavailable', 'away', { cause }), 'r')),
    ).not.toContain('password');
  });

  it('tells nothing of an error that is not ours', () => {
    const leaky = [
      new Error('secret at /srv/app.ts:1'),
      new TypeError('secret'),
      'secret',
      { code: 'not_found', message: 'secret', status: 404, stack: 'secret' },
      null,
      undefined,
    ];
    for (const error of leaky) {
      const problem = toProblem(error, 'r');
      expect(problem).toMatchObject({ code: 'internal', status: 500, title: 'Internal Error' });
      expect(JSON.stringify(problem)).not.toContain('secret');
    }
  });

  it('never repeats a token that stood in the request', () => {
    const token = mintToken();
    const error = new KaanaError('invalid_input', `Unrecognized key: "${token}"`, {
      errors: [{ path: token, message: `Unrecognized key: "${token}"` }],
    });
    expect(JSON.stringify(toProblem(error, 'r'))).not.toContain(token);
  });
});
