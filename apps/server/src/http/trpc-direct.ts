import {
  appRouter,
  type Context,
  type DirectCall,
  directCall,
  problemOf,
  proceduresOf,
  toTrpcError,
} from '@kaana/api';
import { getTRPCErrorShape, type TRPCError } from '@trpc/server';
import type { FastifyRequest } from 'fastify';

/** Larger batches are left to tRPC's own adapter. */
const MAX_CALLS = 20;

type Procedure = { readonly type: 'query' | 'mutation' | 'subscription'; readonly call: DirectCall };
type Call = { readonly path: string; readonly procedure: Procedure; readonly input: unknown };

/** What came of the calls of one request, as tRPC's protocol has it. */
export type DirectAnswer = {
  readonly status: number;
  readonly body: string;
  readonly errors: readonly TRPCError[];
};

const procedures = new Map<string, Procedure>(
  proceduresOf(appRouter).map(([path, definition]) => [
    path,
    { type: definition.type, call: directCall(path, { _def: definition }) },
  ]),
);

const parse = (text: unknown): { readonly value: unknown } | null => {
  if (typeof text !== 'string') return null;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
};

/**
 * The calls of a request that is plain JSON, one or a batch, each for a procedure that takes its method; `null` for
 * anything else, errors included: tRPC's own adapter then says what is wrong.
 */
const readCalls = (request: FastifyRequest<{ Params: { path: string } }>): Call[] | null => {
  const { headers, method, params } = request;
  if (method !== 'GET' && method !== 'POST') return null;
  const { batch, input: queried, connectionParams } = request.query as Record<string, unknown>;
  if (headers['trpc-accept'] !== undefined || headers.accept === 'application/jsonl') return null;
  if (connectionParams !== undefined || (batch !== undefined && batch !== '1')) return null;
  const isBatch = batch === '1';
  const paths = isBatch ? params.path.split(',') : [params.path];
  const parsed =
    method === 'GET' && queried === undefined
      ? { value: undefined }
      : parse(method === 'GET' ? queried : request.body);
  if (!parsed || paths.length > MAX_CALLS) return null;
  const { value } = parsed;
  if (
    isBatch &&
    value !== undefined &&
    (typeof value !== 'object' || value === null || Array.isArray(value))
  ) {
    return null;
  }
  const type = method === 'GET' ? 'query' : 'mutation';
  const calls: Call[] = [];
  for (const [index, path] of paths.entries()) {
    const procedure = procedures.get(path);
    if (procedure?.type !== type) return null;
    const input = isBatch ? (value as Record<number, unknown> | undefined)?.[index] : value;
    calls.push({ path, procedure, input });
  }
  return calls;
};

/**
 * Answers a request of tRPC's HTTP protocol without its adapter, which turns every request into a WHATWG Request, a
 * Response and a stream (144 of 160 microseconds of CPU). The procedures run as ever, the errors have the router's
 * own shape; `trpc-direct.test.ts` holds that answers are the same. `null`: not one for this way.
 */
export const answerDirectly = async (
  request: FastifyRequest<{ Params: { path: string } }>,
  context: Context,
): Promise<DirectAnswer | null> => {
  const calls = readCalls(request);
  if (!calls) return null;
  const errors: TRPCError[] = [];
  const statuses = new Set<number>();
  const answers = await Promise.all(
    calls.map(async ({ path, procedure, input }) => {
      try {
        const data = await procedure.call(context, input);
        statuses.add(200);
        return { result: { data } };
      } catch (cause) {
        const error = toTrpcError(cause);
        errors.push(error);
        statuses.add(problemOf(error, context.origin.requestId ?? '').status);
        const config = appRouter._def._config;
        const { type } = procedure;
        return { error: getTRPCErrorShape({ config, ctx: context, error, input, path, type }) };
      }
    }),
  );
  const [status = 200] = statuses;
  const isBatch = (request.query as Record<string, unknown>).batch === '1';
  return {
    status: statuses.size > 1 ? 207 : status,
    body: JSON.stringify(isBatch ? answers : answers[0]),
    errors,
  };
};
