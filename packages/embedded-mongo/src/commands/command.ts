import type { Engine } from '../engine.ts';
import { ServerError } from '../errors.ts';
import { compileExpression } from '../expression/compile.ts';
import { checkVariableName } from '../expression/logic.ts';
import { parseCollation } from '../query/collation.ts';
import type { QueryContext } from '../query/filter.ts';
import type { Task } from '../task.ts';
import { type Doc, define, isDoc, isTruthy, toNumber, typeName } from '../values/types.ts';

/** One request as its command sees it. */
export interface Request {
  engine: Engine;
  name: string;
  database: string;
  body: Doc;
  /** The instant of the command, for `$$NOW`, `$currentDate` and the like. */
  now: Date;
  /** Number of the connection. */
  connection: number;
}

/** A reply body without `ok`. Values may be `RawDocument`s. */
export type Reply = Doc;

export interface Command {
  run(request: Request): Reply | Task<Reply> | Promise<Reply>;
  /** Fields that the command knows besides its own name and `GENERIC_FIELDS`; anything else is refused. */
  fields: readonly string[];
  /** Its reply waits, or not, for the disk, as its write concern says. */
  writes?: boolean | ((body: Doc) => boolean);
  /** Not part of the Stable API, so refused under `apiStrict`. */
  unstable?: boolean;
  /** Runs on the database `admin` only. */
  admin?: boolean;
}

/** What every command accepts. */
export const GENERIC_FIELDS = new Set([
  '$db',
  '$readPreference',
  '$clusterTime',
  '$audit',
  '$client',
  '$configServerState',
  'lsid',
  'comment',
  'maxTimeMS',
  'readConcern',
  'writeConcern',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'stmtId',
  'mayBypassWriteBlocking',
]);

/** BSON already encoded, to go into a reply as it is: one document, or an array of them. */
export class RawDocument {
  readonly bytes: Buffer | readonly Buffer[];
  constructor(bytes: Buffer | readonly Buffer[]) {
    this.bytes = bytes;
  }
}

export function namespaceOf(request: Request): string {
  const name = request.body[request.name];
  if (typeof name !== 'string') {
    throw new ServerError('InvalidNamespace', `collection name has invalid type ${typeName(name)}`);
  }
  return checkNamespace(request.database, name);
}

/** Names that passed the check, by themselves; there are few, and nearly every request has one. */
const NAMESPACES = new Map<string, Map<string, string>>();
const MAX_REMEMBERED = 1000;

export function checkNamespace(database: string, collection: string): string {
  const known = NAMESPACES.get(database)?.get(collection);
  if (known !== undefined) return known;
  const namespace = checkedNamespace(database, collection);
  const remembered = NAMESPACES.get(database) ?? new Map<string, string>();
  if (remembered.size < MAX_REMEMBERED && NAMESPACES.size < MAX_REMEMBERED) {
    remembered.set(collection, namespace);
    NAMESPACES.set(database, remembered);
  }
  return namespace;
}

function checkedNamespace(database: string, collection: string): string {
  if (collection === '')
    throw new ServerError('InvalidNamespace', `Invalid namespace specified '${database}.'`);
  if (
    collection.includes('\0') ||
    collection.startsWith('.') ||
    (collection.includes('$') && !collection.startsWith('$cmd'))
  ) {
    throw new ServerError('InvalidNamespace', `Invalid collection name: ${collection}`);
  }
  if (Buffer.byteLength(database) + Buffer.byteLength(collection) > 254) {
    throw new ServerError(
      'InvalidNamespace',
      `Fully qualified namespace is too long: ${database}.${collection}`,
    );
  }
  return `${database}.${collection}`;
}

export function docField(body: Doc, name: string): Doc | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!isDoc(value)) {
    throw new ServerError(
      'TypeMismatch',
      `BSON field '${name}' is the wrong type '${typeName(value)}', expected type 'object'`,
    );
  }
  return value;
}

export function numberField(body: Doc, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const number = toNumber(value);
  if (number === undefined) {
    throw new ServerError(
      'TypeMismatch',
      `BSON field '${name}' is the wrong type '${typeName(value)}', expected types '[long, int, decimal, double]'`,
    );
  }
  return number;
}

export function countField(body: Doc, name: string): number | undefined {
  const number = numberField(body, name);
  if (number !== undefined && number < 0) {
    throw new ServerError(51024, `BSON field '${name}' value must be >= 0, actual value '${number}'`);
  }
  return number === undefined ? undefined : Math.trunc(number);
}

export function flagField(body: Doc, name: string): boolean {
  const value = body[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean' && toNumber(value) === undefined) {
    throw new ServerError(
      'TypeMismatch',
      `BSON field '${name}' is the wrong type '${typeName(value)}', expected types '[bool, long, int, decimal, double]'`,
    );
  }
  return isTruthy(value);
}

/** Refuses fields that nobody knows, rather than doing something else than was asked. */
export function refuseUnknown(
  body: Doc,
  where: string,
  known: ReadonlySet<string> | readonly string[],
): void {
  const list = Array.isArray(known) ? (known as readonly string[]) : undefined;
  for (const field of Object.keys(body)) {
    if (!(list ? list.includes(field) : (known as ReadonlySet<string>).has(field)))
      throw new ServerError(40415, `BSON field '${where}.${field}' is an unknown field.`);
  }
}

export function queryContext(request: Request, source: Doc = request.body): QueryContext {
  const context: QueryContext = { now: request.now, strings: parseCollation(source.collation) };
  const variables = docField(source, 'let') ?? docField(request.body, 'let');
  if (variables) context.variables = constants(variables, context);
  return context;
}

/** The values of `let` variables; they are expressions, but see no document. */
export function constants(variables: Doc, context: QueryContext): Doc {
  const values: Doc = {};
  for (const name of Object.keys(variables)) {
    checkVariableName(name);
    define(values, name, compileExpression(variables[name], context)({}));
  }
  return values;
}
