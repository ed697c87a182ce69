import { type Doc, isDoc, typeName } from '../values/types.ts';
import { compileFilter } from './filter.ts';
import { schemaFailures } from './json-schema.ts';
import { valuesAt } from './path.ts';
import { isOperatorDoc } from './predicates.ts';

const NOW = { now: new Date(0) };

const REASONS: Record<string, string> = {
  $type: 'type did not match',
  $exists: 'path does not exist',
  $in: 'no matching value found in array',
  $regex: 'regular expression did not match',
  $size: 'array length was not equal to given size',
  $mod: '$mod did not evaluate to expected remainder',
  $expr: 'expression did not match',
};

/** Why a document does not satisfy a filter, in the form of the `details` of the server's `errInfo`. */
export function explainMismatch(filter: Doc, doc: Doc): Doc {
  const clauses = Object.keys(filter).flatMap((key): Doc[] => {
    const operand = filter[key];
    if (!key.startsWith('$') && isOperatorDoc(operand))
      return Object.keys(operand)
        .map((name) => ({
          [key]: {
            [name]: operand[name],
            ...(name === '$regex' && '$options' in operand ? { $options: operand.$options } : {}),
          },
        }))
        .filter((clause) => !('$options' in (clause[key] as Doc) && !('$regex' in (clause[key] as Doc))));
    return [{ [key]: operand }];
  });
  const failed = clauses.flatMap((clause, index) =>
    compileFilter(clause, NOW)(doc) ? [] : [{ index, details: explainClause(clause, doc) }],
  );
  const [only] = failed;
  if (clauses.length === 1 && only) return only.details;
  return { operatorName: '$and', clausesNotSatisfied: failed };
}

function explainClause(clause: Doc, doc: Doc): Doc {
  const [key = ''] = Object.keys(clause);
  const operand = clause[key];
  if (key === '$jsonSchema' && isDoc(operand))
    return { operatorName: '$jsonSchema', schemaRulesNotSatisfied: schemaFailures(operand, doc) };
  if ((key === '$and' || key === '$or') && Array.isArray(operand)) {
    const failed = (operand as Doc[]).flatMap((part, index) =>
      compileFilter(part, NOW)(doc) ? [] : [{ index, details: explainMismatch(part, doc) }],
    );
    return { operatorName: key, clausesNotSatisfied: failed };
  }
  if (key.startsWith('$'))
    return { operatorName: key, specifiedAs: clause, reason: REASONS[key] ?? 'child expression matched' };
  const [operator = '$eq'] = isOperatorDoc(operand) ? Object.keys(operand) : ['$eq'];
  const values = valuesAt(doc, key.split('.')).filter((value) => value !== undefined);
  const details: Doc = { operatorName: operator, specifiedAs: clause };
  if (values.length === 0 && operator !== '$exists') return { ...details, reason: 'field was missing' };
  details.reason = REASONS[operator] ?? 'comparison failed';
  if (values.length > 1) return { ...details, consideredValues: values };
  if (values.length === 1) details.consideredValue = values[0];
  return operator === '$type' ? { ...details, consideredType: typeName(values[0]) } : details;
}
