import { ServerError } from '../errors.ts';
import type { StringOrder } from '../values/compare.ts';
import { type Doc, define, isDoc } from '../values/types.ts';
import { constant } from './arguments.ts';
import { OPERATORS } from './operators.ts';

/** What an expression sees: `$path` starts at `current`, `$$name` at the variables. */
export interface Scope {
  root: unknown;
  current: unknown;
  variables: Doc;
}

/** A compiled expression; `undefined` is a missing value. */
export type Expression = (scope: Scope) => unknown;

/** What an expression depends on besides the documents. */
export interface ExpressionContext {
  /** The instant of `$$NOW`: one per command. */
  now: Date;
  strings?: StringOrder | undefined;
  /** `let` variables of the command. */
  variables?: Doc | undefined;
}

/** Compiles parts of an expression; knows which variables are defined where it stands. */
export interface Compiler {
  readonly context: ExpressionContext;
  compile(expression: unknown): Expression;
  /** A compiler for a place where these variables are defined too. */
  with(names: readonly string[]): Compiler;
}

/** The value at a path as expressions see it: arrays on the way are mapped over, numbers are field names only. */
export function fieldAt(value: unknown, parts: readonly string[], at = 0): unknown {
  if (at === parts.length) return value;
  if (isDoc(value)) {
    const part = parts[at] as string;
    return Object.hasOwn(value, part) ? fieldAt(value[part], parts, at + 1) : undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const found: unknown[] = [];
  for (const item of value) {
    // An array right in an array is not looked into.
    if (!isDoc(item)) continue;
    const one = fieldAt(item, parts, at);
    if (one !== undefined) found.push(one);
  }
  return found;
}

export function pathParts(path: string): string[] {
  const parts = path.split('.');
  for (const part of parts) {
    if (part === '') throw new ServerError(15998, 'FieldPath field names may not be empty strings.');
    if (part.startsWith('$'))
      throw new ServerError(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
      );
  }
  return parts;
}

const SYSTEM = new Set(['ROOT', 'CURRENT', 'REMOVE', 'NOW', 'KEEP', 'PRUNE', 'DESCEND']);

/** What `$$KEEP`, `$$PRUNE` and `$$DESCEND` stand for, in `$redact`. */
export const REDACTIONS = { KEEP: Symbol('keep'), PRUNE: Symbol('prune'), DESCEND: Symbol('descend') };

class ScopeCompiler implements Compiler {
  readonly context: ExpressionContext;
  readonly #names: ReadonlySet<string>;

  constructor(context: ExpressionContext, names: ReadonlySet<string>) {
    this.context = context;
    this.#names = names;
  }

  with(names: readonly string[]): Compiler {
    return new ScopeCompiler(this.context, new Set([...this.#names, ...names]));
  }

  compile(expression: unknown): Expression {
    if (typeof expression === 'string' && expression.startsWith('$')) return this.#path(expression);
    if (Array.isArray(expression)) {
      const items = expression.map((item) => this.compile(item));
      return (scope) => items.map((item) => item(scope) ?? null);
    }
    if (!isDoc(expression)) return constant(expression);
    const keys = Object.keys(expression);
    const operator = keys.find((key) => key.startsWith('$'));
    if (operator !== undefined) {
      if (keys.length > 1)
        throw new ServerError(
          15983,
          `an expression specification must contain exactly one field, the name of the expression. Found ${keys.length} fields`,
        );
      const build = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
      if (!build) throw new ServerError('InvalidPipelineOperator', `Unrecognized expression '${operator}'`);
      return build(expression[operator], this);
    }
    const fields = keys.map((key) => {
      if (key.includes('.'))
        throw new ServerError(16412, `FieldPath field names may not contain '.'. Found: ${key}`);
      return [key, this.compile(expression[key])] as const;
    });
    return (scope) => {
      const doc: Doc = {};
      for (const [key, field] of fields) {
        const value = field(scope);
        if (value !== undefined) define(doc, key, value);
      }
      return doc;
    };
  }

  #path(text: string): Expression {
    if (text === '$') throw new ServerError(16872, "'$' by itself is not a valid FieldPath");
    if (!text.startsWith('$$')) {
      const parts = pathParts(text.slice(1));
      const [only] = parts;
      if (parts.length === 1 && only !== undefined)
        return ({ current }) =>
          isDoc(current) && Object.hasOwn(current, only) ? current[only] : fieldAt(current, parts);
      return ({ current }) => fieldAt(current, parts);
    }
    const [name = '', ...rest] = text.slice(2).split('.');
    const parts = rest.length === 0 ? [] : pathParts(rest.join('.'));
    if (name === '') throw new ServerError('FailedToParse', 'empty variable names are not allowed');
    if (name === 'CLUSTER_TIME' || name === 'USER_ROLES' || name === 'SEARCH_META')
      throw new ServerError(51144, `Builtin variable '$$${name}' is not available`);
    if (!SYSTEM.has(name) && !this.#names.has(name))
      throw new ServerError(17276, `Use of undefined variable: ${name}`);
    switch (name) {
      case 'ROOT':
        return ({ root }) => fieldAt(root, parts);
      case 'CURRENT':
        if (!this.#names.has('CURRENT')) return ({ current }) => fieldAt(current, parts);
        break;
      case 'REMOVE':
        return () => undefined;
      case 'NOW': {
        const { now } = this.context;
        return () => now;
      }
      case 'KEEP':
      case 'PRUNE':
      case 'DESCEND':
        return () => REDACTIONS[name];
      default:
    }
    return ({ variables }) => fieldAt(variables[name], parts);
  }
}

export function isExpressionOperator(name: string): boolean {
  return Object.hasOwn(OPERATORS, name);
}

export function compiler(context: ExpressionContext): Compiler {
  return new ScopeCompiler(context, new Set(Object.keys(context.variables ?? {})));
}

export function scopeOf(doc: unknown, context: ExpressionContext): Scope {
  return { root: doc, current: doc, variables: context.variables ?? {} };
}

/** Compiles an expression to a function of a document. Throws now for what MongoDB refuses to parse. */
export function compileExpression(
  expression: unknown,
  context: ExpressionContext,
): (doc: unknown) => unknown {
  const compiled = compiler(context).compile(expression);
  return (doc) => compiled(scopeOf(doc, context));
}
