import { z } from 'zod';
import { directCall, type Procedure } from './call.ts';
import type { Context } from './context.ts';
import type { Access } from './guard.ts';
import { type AppRouter, appRouter } from './root.ts';

/** Where a procedure stands in the REST API. `path` is below `/api`, with its parameters in braces. */
export type RestMeta = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  /** Of success; 200 where it is not given. */
  readonly status?: 201 | 202;
  readonly summary: string;
};

export type RestRoute = Omit<RestMeta, 'status'> & {
  /** e.g. `projects.get`. */
  readonly procedure: string;
  readonly access: Access;
  readonly status: number;
  readonly parameters: readonly string[];
  readonly input: z.ZodType | null;
  readonly output: z.ZodType;
  readonly invoke: (context: Context, request: RestRequest) => Promise<unknown>;
};

export type RestRequest = {
  readonly parameters: Readonly<Record<string, string>>;
  /** Percent-decoded; an array where a name is repeated. */
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parsed JSON; `undefined` where there is no body. */
  readonly body: unknown;
};

type JsonSchema = { type?: string; properties?: Record<string, JsonSchema>; anyOf?: JsonSchema[] };

/** The JSON type of a property; of a nullable one, of what it is when it is not null. */
const typeOf = (schema: JsonSchema | undefined): string | undefined =>
  schema?.type ?? schema?.anyOf?.find(({ type }) => type !== 'null')?.type;

/** The text of a URL as the type that the contract declares. What does not read as it stays text, and is refused there. */
const readText = (text: string, type: string | undefined): unknown => {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
};

/** A repeated name stays an array: like everything that does not fit, the contract refuses it, behind the key. */
const readQuery = (query: RestRequest['query'], properties: Record<string, JsonSchema>): object =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      typeof value === 'string' ? readText(value, typeOf(properties[name])) : value,
    ]),
  );

type Definition = Procedure['_def'] & { readonly output: z.ZodType };

/** Every procedure of a router with its definition, by dotted name. */
export const proceduresOf = (router: AppRouter): [name: string, definition: Definition][] =>
  Object.entries(router._def.procedures as unknown as Record<string, { _def: Definition }>).map(
    ([name, { _def }]) => [name, _def],
  );

const toRoute = (name: string, definition: Definition, rest: RestMeta): RestRoute => {
  const call = directCall(name, { _def: definition });
  const parameters = [...rest.path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);
  const input = definition.inputs[0] ?? null;
  const { properties = {} } = (input ? z.toJSONSchema(input, { io: 'input' }) : {}) as JsonSchema;
  const readsBody = rest.method === 'POST' || rest.method === 'PATCH';
  if ((definition.type === 'query') !== (rest.method === 'GET')) {
    throw new Error(`${name}: a query is a GET and a mutation is not`);
  }
  for (const parameter of parameters) {
    if (typeOf(properties[parameter]) !== 'string')
      throw new Error(`${name}: {${parameter}} is no text of its input`);
  }
  for (const [property, schema] of readsBody ? [] : Object.entries(properties)) {
    if (!['string', 'integer', 'number', 'boolean'].includes(typeOf(schema) ?? '')) {
      throw new Error(`${name}: a URL cannot carry ${property}`);
    }
  }
  return {
    ...rest,
    procedure: name,
    access: definition.meta?.access ?? 'authenticated',
    status: rest.status ?? 200,
    parameters,
    input,
    output: definition.output,
    invoke: (context, request) => {
      if (!input) return call(context, undefined);
      const given = readsBody ? (request.body ?? {}) : readQuery(request.query, properties);
      const isObject = typeof given === 'object' && !Array.isArray(given);
      return call(context, isObject ? { ...given, ...request.parameters } : given);
    },
  };
};

/** The REST API out of the router's own metadata. Throws where two routes are the same, or a URL cannot carry an input. */
export const restRoutes = (router: AppRouter = appRouter): readonly RestRoute[] => {
  const routes = proceduresOf(router).flatMap(([name, definition]) =>
    definition.meta?.rest ? [toRoute(name, definition, definition.meta.rest)] : [],
  );
  const seen = new Set<string>();
  for (const { method, path } of routes) {
    const shape = `${method} ${path.replace(/\{\w+\}/g, '{}')}`;
    if (seen.has(shape)) throw new Error(`two procedures stand at ${shape}`);
    seen.add(shape);
  }
  return routes;
};
