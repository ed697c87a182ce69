import { ServerError } from '../errors.ts';
import { type Doc, isDoc, isNumeric, toNumber, typeName } from '../values/types.ts';
import { refuseUnknown } from './command.ts';

const LEVELS = ['local', 'available', 'majority', 'linearizable', 'snapshot'];

/** Commands that read at any level that a standalone server has; others only at `local`. */
const READING = new Set(['find', 'aggregate', 'distinct', 'count', 'explain', 'getMore']);

function concernOf(value: unknown, field: string): Doc | undefined {
  if (value === undefined || isDoc(value)) return value;
  throw new ServerError(
    'TypeMismatch',
    `BSON field '${field}' is the wrong type '${typeName(value)}', expected type 'object'`,
  );
}

export function checkReadConcern(name: string, body: Doc): void {
  const concern = concernOf(body.readConcern, `${name}.readConcern`);
  if (!concern) return;
  refuseUnknown(concern, 'readConcern', [
    'level',
    'afterClusterTime',
    'afterOpTime',
    'atClusterTime',
    'provenance',
  ]);
  const { level } = concern;
  if (level !== undefined && !LEVELS.includes(String(level)))
    throw new ServerError(
      'BadValue',
      `Enumeration value '${String(level)}' for field 'readConcern.level' is not a valid value.`,
    );
  if (level === 'linearizable' || level === 'snapshot')
    throw new ServerError(
      'NotAReplicaSet',
      `node needs to be a replica set member to use readConcern: ${level}`,
    );
  if ('afterClusterTime' in concern || 'atClusterTime' in concern)
    throw new ServerError('NotAReplicaSet', 'node needs to be a replica set member to use read concern');
  if (level !== undefined && level !== 'local' && !READING.has(name))
    throw new ServerError('InvalidOptions', `Command ${name} does not support read concern ${String(level)}`);
}

/** What a standalone server can promise. */
export function checkWriteConcern(body: Doc, writes: boolean): void {
  const concern = concernOf(body.writeConcern, 'writeConcern');
  if (!concern) return;
  if (!writes) throw new ServerError('InvalidOptions', 'Command does not support writeConcern');
  for (const key of Object.keys(concern))
    if (!['w', 'j', 'fsync', 'wtimeout', 'provenance'].includes(key))
      throw new ServerError('FailedToParse', `unrecognized write concern field: ${key}`);
  const { w } = concern;
  if (isNumeric(w)) {
    const count = toNumber(w) ?? 0;
    if (!Number.isInteger(count) || count < 0 || count > 50)
      throw new ServerError('FailedToParse', 'w has to be a non-negative number and not greater than 50');
    if (count > 1) throw new ServerError('BadValue', "cannot use 'w' > 1 when a host is not replicated");
  } else if (typeof w === 'string') {
    if (w !== 'majority')
      throw new ServerError(
        'BadValue',
        `cannot use non-majority 'w' mode ${w} when a host is not a member of a replica set`,
      );
  } else if (w !== undefined && !isDoc(w))
    throw new ServerError('FailedToParse', 'w has to be a number, string, or object');
}

export function checkMaxTime(body: Doc): void {
  const limit = body.maxTimeMS;
  if (limit === undefined) return;
  const number = toNumber(limit);
  if (number === undefined) throw new ServerError('BadValue', 'maxTimeMS must be a number');
  if (!Number.isInteger(number)) throw new ServerError('BadValue', 'maxTimeMS has non-integral value');
  if (number < 0 || number > 0x7fffffff)
    throw new ServerError('BadValue', `${number} value for maxTimeMS is out of range [0, 2147483647]`);
}
