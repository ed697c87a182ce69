import { ServerError } from '../errors.ts';
import { compareStrings, type StringOrder } from '../values/compare.ts';
import { isDoc, toNumber } from '../values/types.ts';

/** The string order of a `collation` option; undefined for the simple, binary one. Uses ICU, as MongoDB does. */
export function parseCollation(collation: unknown): StringOrder | undefined {
  if (collation === undefined) return undefined;
  if (!isDoc(collation)) throw new ServerError('TypeMismatch', 'collation must be an object');
  const locale = collation.locale;
  if (locale === undefined && Object.keys(collation).length === 0) return undefined;
  if (typeof locale !== 'string')
    throw new ServerError(40414, "BSON field 'collation.locale' is missing but a required field");
  if (locale === 'simple') return undefined;
  const strength = toNumber(collation.strength) ?? 3;
  if (!Number.isInteger(strength) || strength < 1 || strength > 5) {
    throw new ServerError(
      'BadValue',
      `Enumeration value '${strength}' for field 'collation.strength' is not a valid value.`,
    );
  }
  const caseLevel = collation.caseLevel === true;
  const sensitivity =
    strength === 1 ? (caseLevel ? 'case' : 'base') : strength === 2 && !caseLevel ? 'accent' : 'variant';
  const options: Intl.CollatorOptions = {
    sensitivity,
    numeric: collation.numericOrdering === true,
    ignorePunctuation: collation.alternate === 'shifted',
  };
  const caseFirst = collation.caseFirst;
  if (caseFirst === 'upper' || caseFirst === 'lower') options.caseFirst = caseFirst;
  let collator: Intl.Collator;
  try {
    collator = new Intl.Collator(locale.replaceAll('_', '-'), options);
  } catch {
    throw new ServerError('BadValue', `Field 'locale' is invalid in: { locale: "${locale}" }`);
  }
  // At strength 5 strings that ICU takes for equal are told apart by their code points.
  return strength === 5 ? (a, b) => collator.compare(a, b) || compareStrings(a, b) : collator.compare;
}
