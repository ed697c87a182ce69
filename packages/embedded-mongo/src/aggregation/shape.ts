import { ServerError } from '../errors.ts';
import { compileExpression, type ExpressionContext } from '../expression/compile.ts';
import { type Doc, define, isDoc } from '../values/types.ts';

/** Computed fields by path: a leaf is an expression, anything else a document of more. */
interface Node {
  fields: Map<string, Node | ((doc: unknown) => unknown)>;
}

/** Paths with the expressions whose values go there. */
export interface Computed {
  path: string;
  expression: unknown;
}

/** Sets fields of a copy of `target` to the values of expressions on `source`. */
export type Assign = (target: Doc, source: Doc) => Doc;

function insert(root: Node, path: string, leaf: (doc: unknown) => unknown): void {
  const parts = path.split('.');
  let node = root;
  for (const [i, part] of parts.entries()) {
    const next = node.fields.get(part);
    if (i === parts.length - 1) {
      if (next)
        throw new ServerError(typeof next === 'function' ? 31250 : 31249, `Path collision at ${path}`);
      node.fields.set(part, leaf);
    } else if (typeof next === 'function') throw new ServerError(31249, `Path collision at ${path}`);
    else if (next) node = next;
    else {
      const made: Node = { fields: new Map() };
      node.fields.set(part, made);
      node = made;
    }
  }
}

function assign(target: Doc, node: Node, source: unknown): Doc {
  const copy: Doc = { ...target };
  for (const [name, field] of node.fields) {
    if (typeof field !== 'function') {
      define(copy, name, assignInto(Object.hasOwn(copy, name) ? copy[name] : undefined, field, source));
      continue;
    }
    const value = field(source);
    if (value === undefined) delete copy[name];
    else define(copy, name, value);
  }
  return copy;
}

/** Every element of an array gets the fields; what is no document becomes one. */
function assignInto(value: unknown, node: Node, source: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => assignInto(item, node, source));
  return assign(isDoc(value) ? value : {}, node, source);
}

export function compileAssignments(computed: readonly Computed[], context: ExpressionContext): Assign {
  const root: Node = { fields: new Map() };
  for (const { path, expression } of computed) insert(root, path, compileExpression(expression, context));
  return (target, source) => assign(target, root, source);
}

/** Sets the fields at some paths to values that are at hand. */
export function compileValues(paths: readonly string[]): (target: Doc, values: readonly unknown[]) => Doc {
  const root: Node = { fields: new Map() };
  for (const [i, path] of paths.entries()) {
    checkPath(path);
    insert(root, path, (values) => (values as readonly unknown[])[i]);
  }
  // A leaf's source is the list of values.
  return (target, values) => assign(target, root, values);
}

function checkPath(path: string): void {
  if (path === '' || path.split('.').includes(''))
    throw new ServerError(
      path.endsWith('.') ? 40353 : 15998,
      'FieldPath field names may not be empty strings.',
    );
  if (path.split('.').some((part) => part.startsWith('$')))
    throw new ServerError(
      16410,
      `FieldPath field names may not start with '$'. Consider using $getField or $setField. Found: ${path}`,
    );
}

/** `{a: {b: <expression>}}` means `{"a.b": <expression>}`. */
export function flattenAssignments(spec: Doc, prefix = ''): Computed[] {
  return Object.keys(spec).flatMap((key): Computed[] => {
    const value = spec[key];
    if (key.startsWith('$'))
      throw new ServerError(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField. Found: ${key}`,
      );
    if (key === '' || key.split('.').includes(''))
      throw new ServerError(
        key.endsWith('.') ? 40353 : 15998,
        'FieldPath field names may not be empty strings.',
      );
    const path = prefix + key;
    if (isDoc(value) && !Object.keys(value).some((name) => name.startsWith('$'))) {
      // An empty document is a value.
      if (Object.keys(value).length > 0) return flattenAssignments(value, `${path}.`);
    }
    return [{ path, expression: value }];
  });
}
