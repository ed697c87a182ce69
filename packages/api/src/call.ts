import type { Context } from './context.ts';
import type { Meta } from './trpc.ts';

type ProcedureType = 'query' | 'mutation' | 'subscription';
type Result = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: unknown };
type Next = { readonly ctx?: object; readonly input?: unknown };
type Middleware = (options: {
  ctx: object;
  input: unknown;
  getRawInput: () => Promise<unknown>;
  meta: Meta | undefined;
  type: ProcedureType;
  path: string;
  signal: undefined;
  batchIndex: 0;
  next: (next?: Next) => Promise<Result>;
}) => Promise<Result>;

/** What a router keeps of a procedure: its definition, as tRPC's own callers and adapters read it. */
export type Procedure = {
  readonly _def: {
    readonly type: ProcedureType;
    readonly meta?: Meta;
    readonly middlewares: readonly Middleware[];
  };
};

/**
 * Calls a procedure in this process: the very middlewares, checks of input and output, and resolver that tRPC would
 * run, in the same order. tRPC's own caller copies all its options twice for every one of them, which took 30 of the
 * 44 microseconds of a call; `call.test.ts` holds that both agree on every procedure. Throws what the procedure
 * throws, without a `TRPCError` around it.
 */
export const call = async (
  path: string,
  { _def: { middlewares, meta, type } }: Procedure,
  context: Context,
  rawInput: unknown,
): Promise<unknown> => {
  const getRawInput = () => Promise.resolve(rawInput);
  const run = async (index: number, ctx: object, input: unknown): Promise<Result> => {
    const middleware = middlewares[index];
    if (!middleware) throw new Error(`${path} has no resolver`);
    const next = (changed?: Next) =>
      run(
        index + 1,
        changed?.ctx ? { ...ctx, ...changed.ctx } : ctx,
        changed && 'input' in changed ? changed.input : input,
      );
    try {
      return await middleware({
        ctx,
        input,
        getRawInput,
        meta,
        type,
        path,
        signal: undefined,
        batchIndex: 0,
        next,
      });
    } catch (error) {
      return { ok: false, error };
    }
  };
  const result = await run(0, context, undefined);
  if (!result.ok) throw result.error;
  return result.data;
};
