import { ERRORS, type ErrorCode } from '@kaana/core';
import { z } from 'zod';
import { type RestRoute, restRoutes } from './rest.ts';

type Json = { [name: string]: Json } | Json[] | string | number | boolean | null;
type JsonObject = { [name: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Schemas that carry an id become components, and are referred to. */
class Components {
  readonly schemas: JsonObject = {};

  add(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    const { $schema: _dialect, $defs, id: _id, ...rest } = z.toJSONSchema(schema, { io }) as JsonObject;
    if (isObject($defs)) {
      for (const [name, definition] of Object.entries($defs)) this.schemas[name] = this.#relocate(definition);
    }
    const { id } = schema.meta() ?? {};
    const relocated = this.#relocate(rest) as JsonObject;
    if (typeof id !== 'string') return relocated;
    this.schemas[id] = relocated;
    return { $ref: `#/components/schemas/${id}` };
  }

  #relocate(value: Json): Json {
    if (Array.isArray(value)) return value.map((item) => this.#relocate(item));
    if (!isObject(value)) return value;
    const entries = Object.entries(value).filter(
      ([name, item]) => !(name === 'id' && typeof item === 'string'),
    );
    return Object.fromEntries(
      entries.map(([name, item]) =>
        name === '$ref' && typeof item === 'string'
          ? [name, item.replace('#/$defs/', '#/components/schemas/')]
          : [name, this.#relocate(item)],
      ),
    );
  }
}

const PROBLEM: JsonObject = {
  type: 'object',
  description: 'Problem details (RFC 9457)',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERRORS), description: 'For programs' },
    detail: { type: 'string', description: 'For people: what went wrong and what to do' },
    requestId: { type: 'string' },
    retryAfterSeconds: { type: 'integer' },
    limit: {
      type: 'string',
      description: 'Which limit refused, as it is called in the RateLimit headers: `account` is the plan’s',
    },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

const HEADERS: JsonObject = {
  'X-Request-Id': { description: 'Quote it when you report a problem', schema: { type: 'string' } },
  RateLimit: {
    description:
      'Remaining requests (r) and seconds until some come back (t); a list, where several limits apply',
    schema: { type: 'string' },
    example: '"account";r=99;t=60',
  },
  'RateLimit-Policy': {
    description: 'Requests (q) in a window of seconds (w); a list, where several limits apply',
    schema: { type: 'string' },
    example: '"account";q=100;w=60',
  },
  'Retry-After': { description: 'Seconds', schema: { type: 'integer' } },
};
const header = (name: string): JsonObject => ({ [name]: { $ref: `#/components/headers/${name}` } });

const codesByStatus = (): [string, string[]][] => {
  const byStatus = new Map<string, string[]>();
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const status = String(ERRORS[code].status);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus];
};

const problemResponse = (status: string, codes: readonly string[]): JsonObject => ({
  description: codes.map((code) => `\`${code}\``).join(', '),
  headers: {
    ...header('X-Request-Id'),
    ...(status === '429' || status === '503' ? header('Retry-After') : {}),
  },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

/** The statuses that a route can answer besides success. `names`: whether its input names something by its id. */
const problemStatuses = ({ access, input, method }: RestRoute, names: boolean): string[] => [
  ...(input ? ['400'] : []),
  ...(access === 'public' ? [] : ['401', '403']),
  ...(names ? ['404'] : []),
  ...(method === 'GET' ? [] : ['409', '413', '415']),
  ...(access === 'public' ? [] : ['402']),
  '429',
  '500',
  '503',
];

const operation = (route: RestRoute, components: Components): JsonObject => {
  const { procedure, summary, access, method, input, output, parameters, status } = route;
  const schema = input ? components.add(input, 'input') : {};
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const describeParameter = (name: string, place: 'path' | 'query'): JsonObject => {
    const { description, ...type } = (properties[name] ?? {}) as JsonObject;
    const isRequired = place === 'path' || required.includes(name);
    return { name, in: place, required: isRequired, ...(description ? { description } : {}), schema: type };
  };
  const others = Object.keys(properties).filter((name) => !parameters.includes(name));
  const hasBody = method === 'POST' || method === 'PATCH';
  const requiredInBody = required.filter((name) => !parameters.includes(String(name)));
  const body: JsonObject = {
    type: 'object',
    properties: Object.fromEntries(others.map((name) => [name, properties[name] ?? {}])),
    ...(requiredInBody.length > 0 ? { required: requiredInBody } : {}),
    additionalProperties: false,
  };
  return {
    operationId: procedure,
    summary,
    tags: [procedure.split('.')[0] ?? ''],
    ...(access === 'public'
      ? { security: [] }
      : { description: access === 'authenticated' ? 'Needs a key.' : `Needs the permission \`${access}\`.` }),
    parameters: [
      ...parameters.map((name) => describeParameter(name, 'path')),
      ...(hasBody ? [] : others.map((name) => describeParameter(name, 'query'))),
    ],
    ...(hasBody && others.length > 0
      ? {
          requestBody: {
            required: requiredInBody.length > 0,
            content: { 'application/json': { schema: body } },
          },
        }
      : {}),
    responses: {
      [String(status)]: {
        description: 'Success',
        headers: {
          ...header('X-Request-Id'),
          ...(access === 'public' ? {} : { ...header('RateLimit'), ...header('RateLimit-Policy') }),
        },
        content: { 'application/json': { schema: components.add(output, 'output') } },
      },
      ...Object.fromEntries(
        problemStatuses(route, parameters.length > 0 || 'keyId' in properties).map((problem) => [
          problem,
          { $ref: `#/components/responses/${problem}` },
        ]),
      ),
    },
  };
};

/** The OpenAPI 3.1 document of the REST API. `origin`: where it is served, e.g. `https://keys.example.com`. */
export const openApiDocument = (origin: string, version: string): JsonObject => {
  const components = new Components();
  const paths: Record<string, JsonObject> = {};
  for (const route of restRoutes()) {
    const path = `/api${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, components) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kaana API',
      version,
      description:
        'Send your API key as `Authorization: Bearer YOUR_API_KEY`. A list answers `{"data": [...], "nextCursor": ...}`; pass `nextCursor` as `cursor` for the next page. `Kaana-Organization: ID_OR_NAME` makes sure that the key belongs to the organization that you mean.',
    },
    servers: [{ url: origin }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key' } },
      headers: HEADERS,
      responses: Object.fromEntries(
        codesByStatus().map(([status, codes]) => [status, problemResponse(status, codes)]),
      ),
      schemas: { ...components.schemas, Problem: PROBLEM },
    },
  };
};
