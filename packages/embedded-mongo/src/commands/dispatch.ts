import type { Engine } from '../engine.ts';
import { ServerError } from '../errors.ts';
import { run } from '../task.ts';
import { type Doc, isDoc, toNumber } from '../values/types.ts';
import { aggregate } from './aggregate.ts';
import { bulkWrite } from './bulk-write.ts';
import { collMod } from './coll-mod.ts';
import * as collections from './collections.ts';
import { type Command, GENERIC_FIELDS, type Reply, type Request } from './command.ts';
import { checkMaxTime, checkReadConcern, checkWriteConcern } from './concerns.ts';
import { remove } from './delete.ts';
import * as diagnostics from './diagnostics.ts';
import { findAndModify } from './find-and-modify.ts';
import * as indexes from './indexes.ts';
import { insert } from './insert.ts';
import * as read from './read.ts';
import { update } from './update.ts';

const COMMANDS = new Map<string, Command>(
  Object.entries({
    hello: diagnostics.hello,
    isMaster: diagnostics.hello,
    ismaster: diagnostics.hello,
    ping: diagnostics.ping,
    buildInfo: diagnostics.buildInfo,
    buildinfo: diagnostics.buildInfo,
    connectionStatus: diagnostics.connectionStatus,
    hostInfo: diagnostics.hostInfo,
    serverStatus: diagnostics.serverStatus,
    getParameter: diagnostics.getParameter,
    setParameter: diagnostics.setParameter,
    endSessions: diagnostics.endSessions,
    explain: diagnostics.explain,
    bulkWrite,
    insert,
    update: update,
    delete: remove,
    findAndModify: findAndModify,
    findandmodify: findAndModify,
    find: read.find,
    getMore: read.getMore,
    killCursors: read.killCursors,
    count: read.count,
    distinct: read.distinct,
    aggregate,
    create: collections.create,
    drop: collections.drop,
    dropDatabase: collections.dropDatabase,
    renameCollection: collections.renameCollection,
    listCollections: collections.listCollections,
    listDatabases: collections.listDatabases,
    collStats: collections.collStats,
    dbStats: collections.dbStats,
    validate: collections.validate,
    collMod,
    createIndexes: indexes.createIndexes,
    listIndexes: indexes.listIndexes,
    dropIndexes: indexes.dropIndexes,
    deleteIndexes: indexes.dropIndexes,
  }),
);

const KNOWN = new Map<Command, Set<string>>();

function refuseUnknownFields(name: string, command: Command, body: Doc): void {
  let known = KNOWN.get(command);
  if (!known) {
    known = new Set(command.fields);
    KNOWN.set(command, known);
  }
  for (const field of Object.keys(body)) {
    if (field !== name && !known.has(field) && !GENERIC_FIELDS.has(field)) {
      throw new ServerError(40415, `BSON field '${name}.${field}' is an unknown field.`);
    }
  }
}

function checkApiVersion(name: string, command: Command, body: Doc): void {
  const version = body.apiVersion;
  if (version === undefined) {
    if ('apiStrict' in body || 'apiDeprecationErrors' in body) {
      throw new ServerError(
        'InvalidOptions',
        "Provided apiStrict or apiDeprecationErrors without passing 'apiVersion'",
      );
    }
    return;
  }
  if (version !== '1') throw new ServerError('APIVersionError', `API version must be "1"`);
  if (body.apiStrict === true && command.unstable) {
    throw new ServerError(
      'APIStrictError',
      `Provided apiStrict:true, but the command ${name} is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api`,
    );
  }
}

function refuseTransactions(body: Doc): void {
  if ('txnNumber' in body || 'startTransaction' in body || 'autocommit' in body) {
    throw new ServerError(
      'IllegalOperation',
      'Transaction numbers are only allowed on a replica set member or mongos',
    );
  }
}

/** Whether a write's reply waits for the disk. Only an explicit `j: false` or `w: 0` lets it go ahead. */
function waitsForDisk(body: Doc): boolean {
  const concern = body.writeConcern;
  if (!isDoc(concern)) return true;
  if (toNumber(concern.w) === 0) return false;
  return concern.j !== false || concern.w === 'majority';
}

function firstKey(body: Doc): string {
  for (const name in body) return name;
  return '';
}

/** Names that passed the check; there are few, and every request has one. */
const DATABASE_NAMES = new Set<string>();

function isDatabaseName(name: string): boolean {
  if (DATABASE_NAMES.has(name)) return true;
  if (name === '' || /[\0/\\ ."$]/.test(name) || Buffer.byteLength(name) > 63) return false;
  if (DATABASE_NAMES.size < 1000) DATABASE_NAMES.add(name);
  return true;
}

/** Runs a request and answers when what it promised is true. Throws a `ServerError` for a refusal. */
export function dispatch(engine: Engine, body: Doc, connection: number): Reply | Promise<Reply> {
  const name = firstKey(body);
  const command = COMMANDS.get(name);
  if (!command) throw new ServerError('CommandNotFound', `no such command: '${name}'`);
  const database = body.$db;
  if (typeof database !== 'string' || !isDatabaseName(database)) {
    throw new ServerError('InvalidNamespace', `Invalid database name: '${String(database)}'`);
  }
  if (engine.store.failure) throw engine.store.failure;
  checkApiVersion(name, command, body);
  refuseUnknownFields(name, command, body);
  refuseTransactions(body);
  const writes = typeof command.writes === 'function' ? command.writes(body) : command.writes === true;
  checkReadConcern(name, body);
  checkWriteConcern(body, writes);
  checkMaxTime(body);
  if (command.admin && database !== 'admin')
    throw new ServerError('Unauthorized', `${name} may only be run against the admin database.`);
  const now = new Date();
  if (isDoc(body.lsid)) engine.sessions.touch(body.lsid.id, now);
  const request: Request = { engine, name, database, body, now, connection };
  const outcome = command.run(request);
  const reply =
    typeof (outcome as { next?: unknown }).next === 'function'
      ? run(outcome as Generator<undefined, Reply, undefined>)
      : (outcome as Reply | Promise<Reply>);
  if (!writes) return reply;
  if (!waitsForDisk(body)) {
    engine.store.lazily();
    return reply;
  }
  return afterDisk(engine, reply);
}

async function afterDisk(engine: Engine, reply: Reply | Promise<Reply>): Promise<Reply> {
  try {
    return await reply;
  } finally {
    // Also what was written before an error is promised to be there.
    await engine.store.durable();
  }
}
