import { EJSON } from 'bson';
import type { Document } from 'mongodb';
import type { Answer } from './perform.ts';
import type { Sequence } from './sequence.ts';

/** Two answers to one command, and ways to say how they differ. */
export class Difference {
  readonly ours: Answer;
  readonly theirs: Answer;
  readonly sequence: Sequence;
  /** The first codes that differ; equal ones if none do. 0 means no error. */
  readonly codes: readonly [number, number];
  /** The statement that those are about, or the whole command. */
  readonly part: Document;
  readonly #text: string;

  constructor(ours: Answer, theirs: Answer, sequence: Sequence) {
    this.ours = ours;
    this.theirs = theirs;
    this.sequence = sequence;
    const { command } = ours;
    const length = Math.max(ours.codes.length, theirs.codes.length);
    const at = Array.from({ length }, (_, i) => i).find(
      (i) => (ours.codes[i] ?? 0) !== (theirs.codes[i] ?? 0),
    );
    this.codes = at === undefined ? [ours.code, theirs.code] : [ours.codes[at] ?? 0, theirs.codes[at] ?? 0];
    const statements = (command.updates ?? command.deletes) as Document[] | undefined;
    this.part = (at === undefined ? undefined : statements?.[at]) ?? command;
    this.#text = JSON.stringify(this.part);
  }

  /** Ours and theirs, each `any` error or one of these codes. */
  refused(ours: 'any' | readonly number[], theirs: 'any' | readonly number[]): boolean {
    const fits = (code: number, wanted: 'any' | readonly number[]): boolean =>
      wanted === 'any' ? code > 0 : wanted.includes(code);
    return this.codes[0] !== this.codes[1] && fits(this.codes[0], ours) && fits(this.codes[1], theirs);
  }

  /** Both servers have answered, with different values. */
  get answered(): boolean {
    return this.ours.code === 0 && this.theirs.code === 0;
  }

  uses(...operators: string[]): boolean {
    return operators.some((operator) => this.#text.includes(`"${operator}"`));
  }

  matches(pattern: RegExp): boolean {
    return pattern.test(this.#text);
  }

  get stages(): Document[] {
    const { u, update, pipeline } = this.part;
    return [pipeline, u, update].find((one): one is Document[] => Array.isArray(one)) ?? [];
  }

  /** Names of the stages from the first with this name on. */
  after(name: string): string[] {
    const names = this.stages.map((stage) => Object.keys(stage)[0] ?? '');
    const at = names.indexOf(name);
    return at < 0 ? [] : names.slice(at + 1);
  }

  /** Whether the two answers are the same once both are changed. */
  same(change: (value: unknown) => unknown): boolean {
    const [mine, other] = [this.ours, this.theirs].map((answer) => JSON.stringify(change(values(answer))));
    return mine === other;
  }
}

/** The answer as plain values; a list of documents for a cursor. */
function values(answer: Answer): unknown {
  if (answer.code > 0 && answer.text.startsWith('error')) return answer.text;
  const parsed: unknown = JSON.parse(answer.text);
  return Array.isArray(parsed)
    ? parsed.map((item: unknown) => (typeof item === 'string' ? JSON.parse(item) : item))
    : parsed;
}

const isDocument = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields in the order of their names. */
export function withoutOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOrder);
  if (!isDocument(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, withoutOrder(value[key])]),
  );
}

/** Elements, of the answer and of every array in it, in any order. */
export function withoutSequence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(withoutSequence(item))).sort();
  if (!isDocument(value)) return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, withoutSequence(value[key])]));
}

/** Numbers by their values, whatever their types. */
export function withoutTypes(value: unknown): unknown {
  const relax = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(relax);
    if (!isDocument(one)) return one;
    const number = one.$numberInt ?? one.$numberLong ?? one.$numberDouble ?? one.$numberDecimal;
    if (number !== undefined) return Number(Number(number).toPrecision(12));
    return Object.fromEntries(Object.keys(one).map((key) => [key, relax(one[key])]));
  };
  return relax(value);
}

/** The answer to an update, however many documents it says were changed by it. */
export function withoutModified(value: unknown): unknown {
  if (!isDocument(value)) return value;
  const { nModified: _modified, ...others } = value;
  return others;
}

/** Documents without an `_id` that is null, in any order. */
export function withoutNullIds(value: unknown): unknown {
  const strip = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(strip);
    if (!isDocument(one)) return one;
    return Object.fromEntries(
      Object.keys(one)
        .filter((key) => key !== '_id' || one[key] !== null)
        .map((key) => [key, strip(one[key])]),
    );
  };
  return withoutSequence(strip(value));
}

/** Whether the values of the collection, as EJSON, have this in them. */
export function holds(sequence: Sequence, pattern: RegExp): boolean {
  return pattern.test(EJSON.stringify(sequence, { relaxed: false }));
}
