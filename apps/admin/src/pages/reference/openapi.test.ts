import { describe, expect, it } from 'vitest';
import { addressOf, curlOf, fieldsOf, readReference, sampleBody, typeOf } from './openapi.ts';

const document = {
  info: { description: 'about' },
  components: {
    schemas: { Key: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
  },
  paths: {
    '/api/keys/{id}': {
      patch: {
        operationId: 'keys.update',
        summary: 'Change an API key',
        tags: ['keys'],
        parameters: [
          { name: 'id', in: 'path' as const, required: true, schema: { type: 'string' } },
          { name: 'dry', in: 'query' as const, required: false, schema: { type: 'boolean' } },
        ],
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: {
                  name: { type: 'string' },
                  scopes: { type: 'array', items: { type: 'string' } },
                },
              },
            },
          },
        },
        responses: {
          '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Key' } } } },
          '400': {},
        },
      },
    },
  },
};

describe('the API reference', () => {
  const reference = readReference(document);
  const [operation] = reference.operations;
  if (!operation) throw new Error('no operation was read');

  it('reads an operation with its fields and its answer', () => {
    expect(operation).toMatchObject({ id: 'keys.update', method: 'PATCH', tag: 'keys', needsKey: true });
    expect(fieldsOf(operation.body, reference.schemas).map(({ name, type }) => [name, type])).toEqual([
      ['name', 'string'],
      ['scopes', 'array of string'],
    ]);
    expect(fieldsOf(operation.answer, reference.schemas)).toMatchObject([{ name: 'id', required: true }]);
    expect(sampleBody(operation.body ?? {})).toBe('{\n  "name": ""\n}');
  });

  it('makes an address that says exactly what was typed, or none', () => {
    expect(addressOf(operation, {})).toBeNull();
    expect(addressOf(operation, { id: 'a/../b?c', dry: ' true ' })).toBe('/api/keys/a%2F..%2Fb%3Fc?dry=true');
  });

  it('makes a command that no quote breaks out of, and that has no key in it', () => {
    expect(curlOf('http://x', 'POST', '/api/keys', true, `{"name":"it's"}`)).toBe(
      [
        'curl -X POST "http://x/api/keys" \\',
        '  -H "Authorization: Bearer $KAANA_API_KEY" \\',
        '  -H "Content-Type: application/json" \\',
        `  -d '{"name":"it'\\''s"}'`,
      ].join('\n'),
    );
  });

  it('says types in a few words', () => {
    expect(typeOf({ anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] })).toBe(
      'string (date-time) or null',
    );
    expect(typeOf({ enum: ['a', 'b'] })).toBe('"a" | "b"');
  });
});
