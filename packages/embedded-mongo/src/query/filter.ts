import { ServerError } from '../errors.ts';
import { compileExpression, type ExpressionContext } from '../expression/compile.ts';
import { type Doc, isDoc, isTruthy, TYPE, toNumber, typeOf } from '../values/types.ts';

import { compileJsonSchema } from './json-schema.ts';
import { matchPath, type Predicate } from './path.ts';
import { isOperatorDoc, leafPredicate } from './predicates.ts';

/** What a filter depends on besides the document. */
export type QueryContext = ExpressionContext;

export type Matcher = (doc: Doc) => boolean;

/** Compiles a filter once; the result tests one typed document at a time. Throws for what MongoDB refuses. */
export function compileFilter(filter: Doc, context: QueryContext): Matcher {
  const tests: Matcher[] = [];
  for (const key of Object.keys(filter)) {
    const operand = filter[key];
    if (key.startsWith('$')) {
      const test = topLevelOperator(key, operand, context);
      if (test) tests.push(test);
    } else tests.push(...compileField(key, operand, context));
  }
  if (tests.length === 1) return tests[0] as Matcher;
  return (doc) => tests.every((test) => test(doc));
}

function branches(key: string, operand: unknown, context: QueryContext): Matcher[] {
  if (!Array.isArray(operand)) throw new ServerError('BadValue', `${key} must be an array`);
  if (operand.length === 0) throw new ServerError('BadValue', `${key} argument must be a non-empty array`);
  return operand.map((branch) => {
    if (!isDoc(branch)) throw new ServerError('BadValue', `${key} entries need to be full objects`);
    return compileFilter(branch, context);
  });
}

function topLevelOperator(key: string, operand: unknown, context: QueryContext): Matcher | undefined {
  switch (key) {
    case '$and': {
      const all = branches(key, operand, context);
      return (doc) => all.every((test) => test(doc));
    }
    case '$or': {
      const any = branches(key, operand, context);
      return (doc) => any.some((test) => test(doc));
    }
    case '$nor': {
      const none = branches(key, operand, context);
      return (doc) => !none.some((test) => test(doc));
    }
    case '$expr': {
      const evaluate = compileExpression(operand, context);
      return (doc) => isTruthy(evaluate(doc));
    }
    case '$jsonSchema':
      return compileJsonSchema(operand);
    case '$comment':
      return undefined;
    case '$alwaysTrue':
    case '$alwaysFalse':
      if (toNumber(operand) !== 1)
        throw new ServerError('FailedToParse', `${key} must be an integer value of 1`);
      return () => key === '$alwaysTrue';
    case '$sampleRate': {
      const rate = toNumber(operand);
      if (rate === undefined)
        throw new ServerError('BadValue', 'argument to $sampleRate must be a numeric type');
      if (!(rate >= 0 && rate <= 1))
        throw new ServerError('BadValue', 'numeric argument to $sampleRate must be in [0, 1]');
      return () => Math.random() < rate;
    }
    case '$where':
    case '$text':
      throw new ServerError('BadValue', `${key} is not supported by the embedded engine`);
    default:
      throw new ServerError(
        'BadValue',
        `unknown top level operator: ${key}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
      );
  }
}

/** Turns the test of what a path leads to into one of a document. */
type Locate = (predicate: Predicate) => Matcher;

function compileField(path: string, operand: unknown, context: QueryContext): Matcher[] {
  const parts = path.split('.');
  const locate: Locate = (predicate) => fieldTest(parts, predicate);
  if (!isOperatorDoc(operand)) return [locate(leafPredicate('$eq', operand, context))];
  return compileOperators(operand, locate, context);
}

function compileOperators(operand: Doc, locate: Locate, context: QueryContext): Matcher[] {
  const tests: Matcher[] = [];
  for (const operator of Object.keys(operand)) {
    const argument = operand[operator];
    switch (operator) {
      case '$options':
        if (!('$regex' in operand)) throw new ServerError('BadValue', '$options needs a $regex');
        break;
      case '$regex':
        tests.push(locate(leafPredicate('$regex', argument, context, operand.$options)));
        break;
      case '$eq':
        tests.push(locate(leafPredicate('$eq', argument, context, 'as a value')));
        break;
      case '$ne':
        if (typeOf(argument) === TYPE.regex)
          throw new ServerError('BadValue', "Can't have regex as arg to $ne.");
        tests.push(negate(locate(leafPredicate('$eq', argument, context))));
        break;
      case '$nin':
        tests.push(negate(locate(leafPredicate('$in', argument, context))));
        break;
      case '$not':
        tests.push(negate(compileNot(argument, locate, context)));
        break;
      case '$exists': {
        const test = locate({ whole: (value) => value !== undefined });
        tests.push(truthyArgument(argument) ? test : negate(test));
        break;
      }
      case '$all':
        tests.push(...compileAll(argument, locate, context));
        break;
      case '$elemMatch':
        tests.push(locate(elemMatch(argument, context)));
        break;
      case '$comment':
        break;
      default:
        tests.push(locate(leafPredicate(operator, argument, context)));
    }
  }
  return tests;
}

function truthyArgument(value: unknown): boolean {
  const number = toNumber(value);
  return number !== undefined ? number !== 0 : value !== null && value !== undefined && value !== false;
}

function fieldTest(parts: string[], predicate: Predicate): Matcher {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && predicate.scalar) {
    // Most filters name a top-level field that holds a scalar; spare them the walk.
    const scalar = predicate.scalar;
    return (doc) => {
      const value = Object.hasOwn(doc, only) ? doc[only] : undefined;
      return Array.isArray(value) ? matchPath(doc, parts, 0, predicate) : scalar(value);
    };
  }
  return (doc) => matchPath(doc, parts, 0, predicate);
}

function negate(test: Matcher): Matcher {
  return (doc) => !test(doc);
}

function compileNot(argument: unknown, locate: Locate, context: QueryContext): Matcher {
  if (typeOf(argument) === TYPE.regex) return locate(leafPredicate('$eq', argument, context));
  if (!isDoc(argument)) throw new ServerError('BadValue', '$not needs a regex or a document');
  const [first] = Object.keys(argument);
  if (first === undefined) throw new ServerError('BadValue', '$not cannot be empty');
  if (!first.startsWith('$')) throw new ServerError('BadValue', `unknown operator: ${first}`);
  const tests = compileOperators(argument, locate, context);
  return (doc) => tests.every((test) => test(doc));
}

function compileAll(argument: unknown, locate: Locate, context: QueryContext): Matcher[] {
  if (!Array.isArray(argument)) throw new ServerError('BadValue', '$all needs an array');
  if (argument.length === 0) return [() => false];
  const isElemMatch = (item: unknown): item is Doc => isDoc(item) && Object.keys(item)[0] === '$elemMatch';
  const all = argument.every(isElemMatch);
  for (const item of argument)
    if (isOperatorDoc(item) && !all) throw new ServerError('BadValue', 'no $ expressions in $all');
  return argument.map((item) =>
    isElemMatch(item)
      ? locate(elemMatch(item.$elemMatch, context))
      : locate(leafPredicate('$eq', item, context)),
  );
}

/** The predicate of `$elemMatch`: on the array as a whole. */
export function elemMatch(argument: unknown, context: QueryContext): Predicate {
  const test = elementTest(argument, context, '$elemMatch');
  return {
    whole: (value) => Array.isArray(value) && value.some(test),
    position: (value) => (Array.isArray(value) ? value.findIndex(test) : -1),
  };
}

/** Whether one array element satisfies a condition, as in `$elemMatch`, `$pull` and array filters. */
export function elementTest(
  argument: unknown,
  context: QueryContext,
  name: string,
): (item: unknown) => boolean {
  if (!isDoc(argument)) throw new ServerError('BadValue', `${name} needs an Object`);
  const first = Object.keys(argument)[0];
  if (first === '$expr' || first === '$jsonSchema')
    throw new ServerError('BadValue', `${first} can only be applied to the top-level document`);
  const logical = first === '$and' || first === '$or' || first === '$nor';
  if (first?.startsWith('$') && !logical) {
    // An element is looked at as it is: if it is an array, not into its own elements.
    const tests = compileOperators(
      argument,
      (predicate) => {
        const test = predicate.whole ?? predicate.scalar;
        return (doc) => test?.(doc.v) ?? false;
      },
      context,
    );
    return (item) => {
      const doc = { v: item };
      return tests.every((test) => test(doc));
    };
  }
  const matcher = compileFilter(argument, context);
  return (item) => (isDoc(item) ? matcher(item) : Array.isArray(item) ? matcher({ ...item }) : false);
}
