import { ServerError } from '../errors.ts';
import { valuesEqual } from '../values/compare.ts';
import { type Doc, isDoc, isNumeric, toNumber } from '../values/types.ts';
import type { Matcher } from './filter.ts';
import {
  about,
  bound,
  type Failure,
  isText,
  type Keyword,
  limit,
  mistake,
  type Rule,
  strings,
  typeRule,
} from './json-schema-rules.ts';
import { toRegExp } from './pcre.ts';

function subSchema(keyword: string, argument: unknown): Rule {
  if (!isDoc(argument)) throw mistake(keyword, 'an object');
  return compileSchema(argument);
}

function schemas(keyword: string, argument: unknown): Rule[] {
  if (!Array.isArray(argument)) throw mistake(keyword, 'an array');
  if (argument.length === 0) throw mistake(keyword, 'a non-empty array', 'FailedToParse');
  return argument.map((schema) => subSchema(keyword, schema));
}

function combined(keyword: 'allOf' | 'anyOf' | 'oneOf'): Keyword {
  return (argument) => {
    const rules = schemas(keyword, argument);
    return (value) => {
      const failures = rules.map((rule) => rule(value));
      const met = failures.filter((failure) => failure === undefined).length;
      if (keyword === 'allOf' ? met === rules.length : keyword === 'anyOf' ? met > 0 : met === 1)
        return undefined;
      if (keyword === 'oneOf' && met > 1)
        return {
          operatorName: keyword,
          reason: 'more than one subschema matched',
          matchingSchemaIndexes: failures.flatMap((failure, i) => (failure ? [] : [i])),
        };
      return {
        operatorName: keyword,
        schemasNotSatisfied: failures.flatMap((failure, index) =>
          failure ? [{ index, details: [failure] }] : [],
        ),
      };
    };
  };
}

function properties(argument: unknown): Rule {
  if (!isDoc(argument)) throw mistake('properties', 'an object');
  const rules = Object.keys(argument).map((name) => [name, subSchema(name, argument[name])] as const);
  return (value) => {
    if (!isDoc(value)) return undefined;
    const failed = rules.flatMap(([name, rule]): Doc[] => {
      const failure = Object.hasOwn(value, name) ? rule(value[name]) : undefined;
      return failure ? [{ propertyName: name, details: [failure] }] : [];
    });
    return failed.length > 0 ? { operatorName: 'properties', propertiesNotSatisfied: failed } : undefined;
  };
}

function patterns(argument: unknown): [RegExp, Rule][] {
  if (!isDoc(argument)) throw mistake('patternProperties', 'an object');
  return Object.keys(argument).map((pattern) => [
    toRegExp(pattern, ''),
    subSchema(pattern, argument[pattern]),
  ]);
}

function additionalProperties(argument: unknown, schema: Doc): Rule {
  const known = new Set(isDoc(schema.properties) ? Object.keys(schema.properties) : []);
  const matching = schema.patternProperties === undefined ? [] : patterns(schema.patternProperties);
  if (typeof argument !== 'boolean' && !isDoc(argument))
    throw mistake('additionalProperties', 'an object or a boolean');
  const rule: Rule =
    typeof argument === 'boolean' ? () => (argument ? undefined : {}) : compileSchema(argument);
  return (value) => {
    if (!isDoc(value)) return undefined;
    const failed = Object.keys(value).filter(
      (name) =>
        !known.has(name) &&
        !matching.some(([pattern]) => pattern.test(name)) &&
        rule(value[name]) !== undefined,
    );
    return failed.length > 0
      ? {
          operatorName: 'additionalProperties',
          specifiedAs: { additionalProperties: argument },
          additionalProperties: failed,
        }
      : undefined;
  };
}

function items(argument: unknown, schema: Doc): Rule {
  const list = Array.isArray(argument) ? argument.map((one) => subSchema('items', one)) : undefined;
  const each = list ? undefined : subSchema('items', argument);
  const rest = schema.additionalItems;
  const more: Rule =
    typeof rest === 'boolean'
      ? () => (rest ? undefined : {})
      : rest === undefined
        ? () => undefined
        : subSchema('additionalItems', rest);
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    for (const [i, item] of value.entries()) {
      const rule = each ?? list?.[i] ?? more;
      const failure = rule(item);
      if (failure)
        return {
          operatorName: list && i >= list.length ? 'additionalItems' : 'items',
          reason: 'At least one item did not match the sub-schema',
          itemIndex: i,
          details: [failure],
        };
    }
    return undefined;
  };
}

function dependencies(argument: unknown): Rule {
  if (!isDoc(argument)) throw mistake('dependencies', 'an object');
  const rules = Object.keys(argument).map((name) => {
    const needs = argument[name];
    const rule: Rule = Array.isArray(needs)
      ? (KEYWORDS.required as Keyword)(needs, {})
      : subSchema('dependencies', needs);
    return [name, rule] as const;
  });
  return (value) => {
    if (!isDoc(value)) return undefined;
    const failed = rules.flatMap(([name, rule]) => {
      const failure = Object.hasOwn(value, name) ? rule(value) : undefined;
      return failure ? [{ conditionalProperty: name, details: [failure] }] : [];
    });
    return failed.length > 0 ? { operatorName: 'dependencies', failingDependencies: failed } : undefined;
  };
}

const anything: Keyword = () => () => undefined;

const KEYWORDS: Record<string, Keyword> = {
  bsonType: typeRule('bsonType'),
  type: typeRule('type'),
  required(argument) {
    const names = strings('required', argument);
    return (value) => {
      const missing = isDoc(value) ? names.filter((name) => !Object.hasOwn(value, name)) : [];
      return missing.length > 0
        ? { operatorName: 'required', specifiedAs: { required: argument }, missingProperties: missing }
        : undefined;
    };
  },
  properties,
  patternProperties(argument) {
    const rules = patterns(argument);
    return (value) => {
      if (!isDoc(value)) return undefined;
      const failed = Object.keys(value).filter((name) =>
        rules.some(([pattern, rule]) => pattern.test(name) && rule(value[name])),
      );
      return failed.length > 0
        ? { operatorName: 'patternProperties', propertiesNotSatisfied: failed }
        : undefined;
    };
  },
  additionalProperties,
  dependencies,
  minProperties: limit(
    'minProperties',
    isDoc,
    (value: Doc) => Object.keys(value).length,
    'specified number of properties was not satisfied',
  ),
  maxProperties: limit(
    'maxProperties',
    isDoc,
    (value: Doc) => Object.keys(value).length,
    'specified number of properties was not satisfied',
  ),
  enum(argument) {
    if (!Array.isArray(argument)) throw mistake('enum', 'an array');
    if (argument.length === 0) throw mistake('enum', 'a non-empty array', 'FailedToParse');
    return about(
      () => true,
      'enum',
      argument,
      (value) => argument.some((one) => valuesEqual(one, value)),
      'value was not found in enum',
    );
  },
  minimum: bound('minimum', 'exclusiveMinimum'),
  maximum: bound('maximum', 'exclusiveMaximum'),
  exclusiveMinimum: (_argument, schema) => needs('exclusiveMinimum', 'minimum', schema),
  exclusiveMaximum: (_argument, schema) => needs('exclusiveMaximum', 'maximum', schema),
  multipleOf(argument) {
    const factor = toNumber(argument);
    if (factor === undefined) throw mistake('multipleOf', 'a number');
    if (factor <= 0) throw mistake('multipleOf', 'a positive number', 'FailedToParse');
    return about(
      isNumeric,
      'multipleOf',
      argument,
      (value) => (toNumber(value) ?? 0) % factor === 0,
      'considered value is not a multiple of the specified value',
    );
  },
  minLength: limit(
    'minLength',
    isText,
    (value: string) => [...value].length,
    'specified string length was not satisfied',
  ),
  maxLength: limit(
    'maxLength',
    isText,
    (value: string) => [...value].length,
    'specified string length was not satisfied',
  ),
  pattern(argument) {
    if (typeof argument !== 'string') throw mistake('pattern', 'a string');
    const expression = toRegExp(argument, '');
    return about(
      isText,
      'pattern',
      argument,
      (value: string) => expression.test(value),
      'regular expression did not match',
    );
  },
  items,
  additionalItems: anything,
  minItems: limit(
    'minItems',
    Array.isArray,
    (value: unknown[]) => value.length,
    'array did not match specified length',
  ),
  maxItems: limit(
    'maxItems',
    Array.isArray,
    (value: unknown[]) => value.length,
    'array did not match specified length',
  ),
  uniqueItems(argument) {
    if (typeof argument !== 'boolean') throw mistake('uniqueItems', 'a boolean');
    const unique = (value: unknown[]) =>
      value.every((item, i) => !value.slice(0, i).some((other) => valuesEqual(item, other)));
    return about(
      Array.isArray,
      'uniqueItems',
      argument,
      (value) => !argument || unique(value),
      'found a duplicate item',
    );
  },
  allOf: combined('allOf'),
  anyOf: combined('anyOf'),
  oneOf: combined('oneOf'),
  not(argument) {
    const rule = subSchema('not', argument);
    return (value) => (rule(value) ? undefined : { operatorName: 'not', reason: 'child expression matched' });
  },
  title: anything,
  description: anything,
};

const UNSUPPORTED = new Set(['$ref', '$schema', 'default', 'definitions', 'format', 'id']);

function needs(keyword: string, other: string, schema: Doc): Rule {
  if (typeof schema[keyword] !== 'boolean') throw mistake(keyword, 'a boolean');
  if (!(other in schema))
    throw new ServerError(
      'FailedToParse',
      `$jsonSchema keyword '${other}' must be a present if ${keyword} is present`,
    );
  return () => undefined;
}

function compileSchema(schema: Doc): Rule {
  const rules = Object.keys(schema).map((keyword) => {
    const compile = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    if (compile) return compile(schema[keyword], schema);
    throw new ServerError(
      'FailedToParse',
      UNSUPPORTED.has(keyword)
        ? `$jsonSchema keyword '${keyword}' is not currently supported`
        : `Unknown $jsonSchema keyword: ${keyword}`,
    );
  });
  return (value) => {
    for (const rule of rules) {
      const failure = rule(value);
      if (failure) return failure;
    }
    return undefined;
  };
}

function checked(schema: unknown): Rule {
  if (!isDoc(schema)) throw new ServerError('TypeMismatch', '$jsonSchema must be an object');
  return compileSchema(schema);
}

export function compileJsonSchema(schema: unknown): Matcher {
  const rule = checked(schema);
  return (doc) => rule(doc) === undefined;
}

/** Which of the schema's rules the document does not satisfy, one by one. */
export function schemaFailures(schema: Doc, doc: Doc): Failure[] {
  return Object.keys(schema).flatMap((keyword) => {
    const compile = KEYWORDS[keyword];
    const failure = compile?.(schema[keyword], schema)(doc);
    return failure ? [failure] : [];
  });
}
