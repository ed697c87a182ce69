import { ServerError } from '../errors.ts';
import { compareStrings, type StringOrder } from '../values/compare.ts';
import { type Doc, isDoc, toNumber, typeName } from '../values/types.ts';

const FIELDS = [
  'locale',
  'strength',
  'caseLevel',
  'caseFirst',
  'numericOrdering',
  'alternate',
  'maxVariable',
  'normalization',
  'backwards',
  'version',
];

const WORDS: Record<string, readonly string[]> = {
  caseFirst: ['upper', 'lower', 'off'],
  alternate: ['non-ignorable', 'shifted'],
  maxVariable: ['punct', 'space'],
};

/** ICU's names of the variants of an order, as a locale's extension has them. */
const VARIANTS: Record<string, string> = {
  phonebook: 'phonebk',
  traditional: 'trad',
  dictionary: 'dict',
  gb2312han: 'gb2312',
};

function check(collation: Doc): void {
  for (const key of Object.keys(collation))
    if (!FIELDS.includes(key))
      throw new ServerError(40415, `BSON field 'collation.${key}' is an unknown field.`);
  for (const key of ['caseLevel', 'numericOrdering', 'normalization', 'backwards'])
    if (
      collation[key] !== undefined &&
      typeof collation[key] !== 'boolean' &&
      toNumber(collation[key]) === undefined
    )
      throw new ServerError(
        'TypeMismatch',
        `BSON field 'collation.${key}' is the wrong type '${typeName(collation[key])}', expected type 'bool'`,
      );
  for (const [key, words] of Object.entries(WORDS)) {
    const value = collation[key];
    if (value === undefined) continue;
    if (typeof value !== 'string')
      throw new ServerError(
        'TypeMismatch',
        `BSON field 'collation.${key}' is the wrong type '${typeName(value)}', expected type 'string'`,
      );
    if (!words.includes(value))
      throw new ServerError(
        'BadValue',
        `Enumeration value '${value}' for field 'collation.${key}' is not a valid value.`,
      );
  }
}

function localeTag(locale: string): string {
  const [name = '', variant] = locale.split('@collation=');
  const tag = name.replaceAll('_', '-');
  const [language = ''] = tag.split('-');
  let known = false;
  try {
    // A language that ICU does not know falls back to the root, silently.
    known =
      tag === 'und' || (/^[a-z]{2,3}$/.test(language) && Intl.Collator.supportedLocalesOf(tag).length > 0);
  } catch {
    known = false;
  }
  if (!known) throw new ServerError('BadValue', `Field 'locale' is invalid in: { locale: "${locale}" }`);
  return variant ? `${tag}-u-co-${VARIANTS[variant] ?? variant}` : tag;
}

/** Accents count from the end of the strings, as in French dictionaries. */
function backwards(base: StringOrder, accents: StringOrder, all: StringOrder): StringOrder {
  const reversed = (text: string): string =>
    [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)]
      .map(({ segment }) => segment)
      .reverse()
      .join('');
  return (a, b) => base(a, b) || accents(reversed(a), reversed(b)) || all(a, b);
}

/** The string order of a `collation` option; undefined for the simple, binary one. Uses ICU, as MongoDB does. */
export function parseCollation(collation: unknown): StringOrder | undefined {
  if (collation === undefined) return undefined;
  if (!isDoc(collation))
    throw new ServerError(
      'TypeMismatch',
      `BSON field 'collation' is the wrong type '${typeName(collation)}', expected type 'object'`,
    );
  const { locale } = collation;
  if (locale === undefined && Object.keys(collation).length === 0) return undefined;
  check(collation);
  if (locale === undefined)
    throw new ServerError(40414, "BSON field 'collation.locale' is missing but a required field");
  if (typeof locale !== 'string')
    throw new ServerError(
      'TypeMismatch',
      `BSON field 'collation.locale' is the wrong type '${typeName(locale)}', expected type 'string'`,
    );
  const strength = collation.strength === undefined ? 3 : toNumber(collation.strength);
  if (strength === undefined)
    throw new ServerError(
      'TypeMismatch',
      `BSON field 'collation.strength' is the wrong type '${typeName(collation.strength)}', expected type 'int'`,
    );
  if (!Number.isInteger(strength) || strength < 1 || strength > 5)
    throw new ServerError(
      'BadValue',
      `Enumeration value '${strength}' for field 'collation.strength' is not a valid value.`,
    );
  if (locale === 'simple') {
    if (Object.keys(collation).length > 1)
      throw new ServerError(
        'BadValue',
        `If 'locale' is 'simple', no other fields may be specified: ${Object.keys(collation).join(', ')}`,
      );
    return undefined;
  }
  const tag = localeTag(locale);
  const shifted = collation.alternate === 'shifted';
  const shared: Intl.CollatorOptions = {
    numeric: collation.numericOrdering === true,
    ignorePunctuation: shifted,
  };
  if (collation.caseFirst === 'upper' || collation.caseFirst === 'lower')
    shared.caseFirst = collation.caseFirst;
  const collator = (
    sensitivity: 'base' | 'accent' | 'case' | 'variant',
    more: Intl.CollatorOptions = {},
  ): StringOrder => new Intl.Collator(tag, { ...shared, sensitivity, ...more }).compare;
  const caseLevel = collation.caseLevel === true;
  let order: StringOrder;
  if (strength === 1) order = collator(caseLevel ? 'case' : 'base');
  else if (strength === 2 && !caseLevel) order = collator('accent');
  else order = collator('variant');
  if (collation.backwards === true && strength > 1)
    order = backwards(collator('base'), collator('accent'), order);
  if (strength < 4) return order;
  // Punctuation that the levels before have left out decides at the fourth; at the fifth, code points do.
  const fourth = shifted ? collator('variant', { ignorePunctuation: false }) : undefined;
  return (a, b) => order(a, b) || (fourth?.(a, b) ?? 0) || (strength === 5 ? compareStrings(a, b) : 0);
}
