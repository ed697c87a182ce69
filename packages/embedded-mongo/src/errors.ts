/** MongoDB's own error codes and names, so that drivers and ODMs react as they would to a real server. */
export const ERROR_CODES = {
  BadValue: 2,
  FailedToParse: 9,
  Unauthorized: 13,
  TypeMismatch: 14,
  Overflow: 15,
  InvalidLength: 16,
  IllegalOperation: 20,
  InvalidBSON: 22,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  DollarPrefixedFieldName: 52,
  EmptyFieldName: 56,
  InvalidIdField: 53,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  OperationFailed: 96,
  OutOfDiskSpace: 14031,
  CommandNotSupported: 115,
  DocumentValidationFailure: 121,
  ExceededMemoryLimit: 146,
  NotAReplicaSet: 123,
  CommandNotSupportedOnView: 166,
  ConversionFailure: 241,
  CannotIndexParallelArrays: 171,
  InvalidPipelineOperator: 168,
  QueryPlanKilled: 175,
  InvalidIndexSpecificationOption: 197,
  IndexBuildAborted: 276,
  APIVersionError: 322,
  APIStrictError: 323,
  CannotConvertIndexToUnique: 359,
  DuplicateKey: 11000,
  InterruptedAtShutdown: 11600,
  BSONObjectTooLarge: 10334,
  InternalError: 1,
  DurationOverflow: 159,
} as const;

export type ErrorName = keyof typeof ERROR_CODES;

/** An error that goes to the client as `{ok: 0, code, codeName, errmsg, ...extra}`. */
export class ServerError extends Error {
  readonly code: number;
  readonly codeName: string;
  readonly extra: Record<string, unknown>;

  constructor(name: ErrorName | number, message: string, extra: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ServerError';
    // Many of the server's assertions have a number but no name; it calls those `Location<number>`.
    this.code = typeof name === 'number' ? name : ERROR_CODES[name];
    this.codeName = typeof name === 'number' ? `Location${name}` : name;
    this.extra = extra;
  }
}

/** What a client is told about any thrown value. Never lets an unexpected error through without a code. */
export function toServerError(error: unknown): ServerError {
  if (error instanceof ServerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : '';
  if (name.startsWith('BSON')) return new ServerError('InvalidBSON', message);
  if (error instanceof RangeError && message.includes('call stack'))
    return new ServerError('Overflow', 'BSONObj exceeds maximum nested object depth');
  return new ServerError('InternalError', message);
}
