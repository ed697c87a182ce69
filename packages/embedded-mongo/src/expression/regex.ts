import { ServerError } from '../errors.ts';
import { toRegExp } from '../query/pcre.ts';
import { int } from '../values/arithmetic.ts';
import { regexParts, TYPE, typeOf } from '../values/types.ts';
import { type Builders, describeType, isMissing, named } from './arguments.ts';

type Apply = (text: string, pattern: RegExp) => unknown;

function compiled(name: string, regex: unknown, options: unknown): RegExp | undefined {
  const isRegex = typeOf(regex) === TYPE.regex;
  if (!isMissing(regex) && typeof regex !== 'string' && !isRegex)
    throw new ServerError(51105, `${name} needs 'regex' to be of type string or regex`);
  if (!isMissing(options) && typeof options !== 'string')
    throw new ServerError(51106, `${name} needs 'options' to be of type string`);
  let flags = typeof options === 'string' ? options : '';
  let pattern = typeof regex === 'string' ? regex : undefined;
  if (isRegex) {
    const parts = regexParts(regex);
    if (typeof options === 'string' && parts.flags !== '')
      throw new ServerError(
        51107,
        `${name}: found regex option(s) specified in both 'regex' and 'option' fields`,
      );
    pattern = parts.pattern;
    flags ||= parts.flags;
  }
  if (pattern?.includes('\0'))
    throw new ServerError(51109, `${name}: regular expression cannot contain an embedded null byte`);
  if (flags.includes('\0'))
    throw new ServerError(51110, `${name}: regular expression options cannot contain an embedded null byte`);
  try {
    const made = toRegExp(pattern ?? '', flags, 'g');
    return pattern === undefined ? undefined : made;
  } catch (error) {
    if (error instanceof ServerError && error.code === 51091)
      throw new ServerError(51111, `Invalid Regex in ${name}: ${error.message}`);
    throw error;
  }
}

function searching(name: string, nothing: unknown, apply: Apply): Builders {
  return named(
    name,
    { notObject: 51103, unknown: 31024, missing: { input: 31022, regex: 31023 } },
    ['input', 'regex'],
    ['options'],
    (fields, compiler) => {
      const [input, regex] = [compiler.compile(fields.input), compiler.compile(fields.regex)];
      const options = 'options' in fields ? compiler.compile(fields.options) : () => null;
      const constant = typeof fields.regex !== 'object' || typeOf(fields.regex) === TYPE.regex;
      if (
        constant &&
        !(typeof fields.regex === 'string' && fields.regex.startsWith('$')) &&
        !('options' in fields)
      )
        compiled(name, fields.regex, null);
      return (scope) => {
        const text = input(scope);
        const pattern = compiled(name, regex(scope), options(scope));
        if (!isMissing(text) && typeof text !== 'string')
          throw new ServerError(
            51104,
            `${name} needs 'input' to be of type string, not ${describeType(text)}`,
          );
        if (typeof text !== 'string' || !pattern) return Array.isArray(nothing) ? [] : nothing;
        pattern.lastIndex = 0;
        return apply(text, pattern);
      };
    },
  );
}

function described(found: RegExpExecArray): unknown {
  return {
    match: found[0],
    idx: int([...found.input.slice(0, found.index)].length),
    captures: found.slice(1).map((part) => part ?? null),
  };
}

export const REGEX: Builders = {
  ...searching('$regexMatch', false, (text, pattern) => pattern.test(text)),
  ...searching('$regexFind', null, (text, pattern) => {
    const found = pattern.exec(text);
    return found ? described(found) : null;
  }),
  ...searching('$regexFindAll', [], (text, pattern) => {
    const all = [...text.matchAll(pattern)];
    // Behind the last character nothing is looked for, unless there is no character at all.
    return all.filter((found) => found.index < text.length || text === '').map(described);
  }),
};
