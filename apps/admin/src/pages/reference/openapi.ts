/** As much of OpenAPI 3.1 as the server's own document uses. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly $ref?: string;
};
export type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
};
export type Operation = {
  readonly id: string;
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly needsKey: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  readonly answer: Schema | null;
};
export type Reference = {
  readonly description: string;
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
};

type Content = { readonly content?: { readonly 'application/json'?: { readonly schema?: Schema } } };
type Document = {
  readonly info: { readonly description?: string };
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly operationId: string;
            readonly summary?: string;
            readonly description?: string;
            readonly tags?: readonly string[];
            readonly security?: readonly unknown[];
            readonly parameters?: readonly Parameter[];
            readonly requestBody?: Content;
            readonly responses: Readonly<Record<string, Content>>;
          }
        >
      >
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const schemaOf = (content: Content | undefined): Schema | null =>
  content?.content?.['application/json']?.schema ?? null;

export const readReference = (document: Document): Reference => ({
  description: document.info.description ?? '',
  schemas: document.components.schemas,
  operations: Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const success = Object.keys(operation.responses).find((status) => status.startsWith('2'));
      return {
        id: operation.operationId,
        tag: operation.tags?.[0] ?? '',
        method: method.toUpperCase(),
        path,
        summary: operation.summary ?? operation.operationId,
        description: operation.description ?? '',
        needsKey: operation.security?.length !== 0,
        parameters: operation.parameters ?? [],
        body: schemaOf(operation.requestBody),
        answer: success ? schemaOf(operation.responses[success]) : null,
      };
    }),
  ),
});

export const loadReference = async (): Promise<Reference> => {
  const response = await fetch('/api/openapi.json', { credentials: 'omit' });
  if (!response.ok) throw new Error(`the OpenAPI document could not be loaded: ${response.status}`);
  return readReference((await response.json()) as Document);
};

type Schemas = Reference['schemas'];
const resolved = (schema: Schema, schemas: Schemas): Schema => {
  const name = schema.$ref?.split('/').at(-1);
  return (name !== undefined && schemas[name]) || schema;
};

/** A type in a few words: `string, null`, `array of Project`. */
export const typeOf = (schema: Schema): string => {
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? 'object';
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'any');
  return schema.format ? `${type} (${schema.format})` : type;
};

export type Field = {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
};

export const fieldsOf = (schema: Schema | null, schemas: Schemas): readonly Field[] => {
  if (!schema) return [];
  const { properties = {}, required = [] } = resolved(schema, schemas);
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeOf(property),
    required: required.includes(name),
    description: property.description ?? '',
  }));
};

const sampleOf = (schema: Schema): unknown => {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sampleOf(schema.anyOf[0] ?? {});
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'array':
      return [];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    case 'object':
      return {};
    default:
      return '';
  }
};

/** What to start from: the fields that must be there, or the first where none must. */
export const sampleBody = (schema: Schema): string => {
  const { properties = {}, required = [] } = schema;
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1);
  return JSON.stringify(
    Object.fromEntries(names.map((name) => [name, sampleOf(properties[name] ?? {})])),
    null,
    2,
  );
};

/** The address of a call; `null` where a part of its path is missing. */
export const addressOf = (
  { path, parameters }: Pick<Operation, 'path' | 'parameters'>,
  values: Readonly<Record<string, string>>,
): string | null => {
  let address = path;
  const search = new URLSearchParams();
  for (const { name, in: place } of parameters) {
    const value = (values[name] ?? '').trim();
    if (place === 'path') {
      if (!value) return null;
      address = address.replace(`{${name}}`, encodeURIComponent(value));
    } else if (value) search.set(name, value);
  }
  return search.size > 0 ? `${address}?${search}` : address;
};

/** The same call for a terminal. The key stays a variable: what is copied from here goes anywhere. */
export const curlOf = (
  origin: string,
  method: string,
  address: string,
  needsKey: boolean,
  body: string | null,
) =>
  [
    `curl -X ${method} "${origin}${address}"`,
    ...(needsKey ? [`-H "Authorization: Bearer $KAANA_API_KEY"`] : []),
    ...(body === null
      ? []
      : [`-H "Content-Type: application/json"`, `-d '${body.replaceAll("'", "'\\''")}'`]),
  ].join(' \\\n  ');
