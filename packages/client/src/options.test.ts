import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';
import { API_KEY } from './testing/scripted.ts';

const GOOD = { url: 'https://kaana.example.com', apiKey: API_KEY };
/** As from JavaScript, where no type stands in the way. */
const read = (options: object) => readOptions({ ...GOOD, ...options });

/** All that the error for these options shows. */
const refusalOf = (options: object): string => {
  try {
    read(options);
  } catch (error) {
    return inspect(error, { depth: null, showHidden: true });
  }
  return expect.fail('the options were taken');
};

describe('options', () => {
  it('have defaults', () => {
    expect(read({})).toMatchObject({
      endpoint: 'https://kaana.example.com/trpc',
      timeoutMs: 10_000,
      retries: 2,
      organization: null,
    });
  });

  it.each([
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/trpc'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000/trpc'],
    ['http://127.0.0.1:3000/trpc', 'http://127.0.0.1:3000/trpc'],
    ['https://kaana.example.com/keys//', 'https://kaana.example.com/keys/trpc'],
    ['https://kaana.example.com/keys/trpc/', 'https://kaana.example.com/keys/trpc'],
  ])('take the address %s', (url, endpoint) => {
    expect(read({ url }).endpoint).toBe(endpoint);
  });

  it.each([
    [{ url: undefined }, 'url is missing'],
    [{ url: '' }, 'url is missing'],
    [{ url: 'kaana.example.com' }, 'url is not an absolute URL'],
    [{ url: 'ftp://kaana.example.com' }, 'url has to begin with http:// or https://'],
    [{ url: 'localhost:3000' }, 'url has to begin with http:// or https://'],
    [{ url: 'https://ada:secret@kaana.example.com' }, 'user name or a password'],
    [{ url: 'https://kaana.example.com/?a=1' }, 'query or a fragment'],
    [{ apiKey: undefined }, 'apiKey is missing'],
    [{ apiKey: '' }, 'apiKey is missing'],
    [{ apiKey: 7 }, 'apiKey has to be a string'],
    [{ apiKey: 'secret' }, 'apiKey is not an API key'],
    [{ apiKey: `${API_KEY}\n` }, 'apiKey has white space before or after it'],
    [{ apiKey: `${API_KEY.slice(0, -1)}x` }, 'its checksum is wrong'],
    [{ fetch: 'fetch' }, 'fetch has to be a function'],
    [{ timeoutMs: 0 }, 'timeoutMs has to be a whole number from 1 to 2147483647'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs has to be'],
    [{ timeoutMs: '10' }, 'timeoutMs has to be'],
    [{ retries: -1 }, 'retries has to be a whole number from 0 to 10'],
    [{ retries: 1.5 }, 'retries has to be'],
    [{ organization: '' }, 'organization has to be the id or the name'],
    [{ organization: 'two\r\nlines' }, 'characters that a header cannot carry'],
    [{ organization: '組織' }, 'characters that a header cannot carry'],
  ])('are refused at once: %j', (options, message) => {
    expect(() => read(options)).toThrow(TypeError);
    expect(() => read(options)).toThrow(message);
  });

  it('are refused without a word of what was given: it may be the key in the wrong place', () => {
    const misplaced = [
      { url: API_KEY },
      { url: `ftp://${API_KEY}` },
      { url: `https://x:${API_KEY}@kaana.example.com` },
      { apiKey: ` ${API_KEY}` },
      { apiKey: `${API_KEY}x` },
      { organization: `${API_KEY}\n` },
      { timeoutMs: API_KEY },
    ];
    for (const options of misplaced) {
      const said = refusalOf(options);
      expect(said).toMatch(/^TypeError: createKaanaClient: /m);
      expect(said).not.toContain(API_KEY.slice(6, 30));
    }
  });

  it('name an organization by a name that is not English', () => {
    expect(read({ organization: 'Société Générale' }).organization).toBe('Société Générale');
  });
});
