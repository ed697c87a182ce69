import type { Db } from 'mongodb';
import { isRefusal, type Tally } from './writer.ts';

const DOCUMENTS = 200;

/** A thing that is there or not, for certain or perhaps. */
type There = boolean | 'perhaps';

/** Creates, fills, indexes, renames, changes and drops collections until the server is gone. */
export class Changer {
  /** Collections besides the writers', and their indexes by name. */
  readonly #collections = new Map<string, { there: There; full: boolean; index: There; unique: There }>();
  /** The index that comes and goes on the writers' documents. */
  #extra: There = false;
  #number = 0;

  async run(database: Db, tally: Tally): Promise<void> {
    for (;;) {
      const name = `scratch-${this.#number++}`;
      const moved = `moved-${this.#number}`;
      const scratch = { there: false as There, full: false, index: false as There, unique: false as There };
      this.#collections.set(name, scratch);
      const collection = database.collection<{ _id: number; k: number }>(name);
      const documents = Array.from({ length: DOCUMENTS }, (_, k) => ({ _id: k, k }));

      scratch.there = 'perhaps';
      if (!(await answered(tally, 'fill', () => collection.insertMany(documents)))) return;
      scratch.there = scratch.full = true;

      scratch.index = 'perhaps';
      if (!(await answered(tally, 'createIndex', () => collection.createIndex({ k: 1 })))) return;
      scratch.index = true;

      const prepare = { collMod: name, index: { name: 'k_1', prepareUnique: true } };
      if (!(await answered(tally, 'collMod', () => database.command(prepare)))) return;
      scratch.unique = 'perhaps';
      const unique = { collMod: name, index: { name: 'k_1', unique: true } };
      if (!(await answered(tally, 'collMod', () => database.command(unique)))) return;
      scratch.unique = true;

      this.#extra = 'perhaps';
      const items = database.collection('items');
      if (!(await answered(tally, 'createIndex', () => items.createIndex({ text: 1, tags: -1 })))) return;
      this.#extra = true;

      const there = { ...scratch };
      scratch.there = 'perhaps';
      this.#collections.set(moved, { ...there, there: 'perhaps' });
      if (!(await answered(tally, 'rename', () => database.renameCollection(name, moved)))) return;
      this.#collections.delete(name);
      this.#collections.set(moved, there);

      this.#extra = 'perhaps';
      if (!(await answered(tally, 'dropIndex', () => items.dropIndex('text_1_tags_-1')))) return;
      this.#extra = false;

      if (this.#number % 3 === 0) continue;
      there.there = 'perhaps';
      if (!(await answered(tally, 'drop', () => database.dropCollection(moved)))) return;
      this.#collections.delete(moved);
    }
  }

  /** Compares with what is there, tells what is wrong, and tidies up. */
  async check(database: Db): Promise<string[]> {
    const problems: string[] = [];
    const names = new Set(
      (await database.listCollections({}, { nameOnly: true }).toArray()).map((c) => c.name),
    );
    for (const name of names)
      if (/^(scratch|moved)-/.test(name) && !this.#collections.has(name))
        problems.push(`the collection ${name} should not be there`);
    const numbers = new Map<string, number>();
    for (const [name, expected] of this.#collections) {
      const there = names.has(name);
      if (expected.there === true && !there) problems.push(`the collection ${name} is missing`);
      if (!there) continue;
      const documents = await database.collection(name).countDocuments();
      const number = name.split('-')[1] ?? '';
      numbers.set(number, documents);
      if (expected.full && documents !== DOCUMENTS)
        problems.push(`the collection ${name} has ${documents} of ${DOCUMENTS} documents`);
      const [, index] = await database.collection(name).indexes();
      if (expected.index === true && !index) problems.push(`an index of ${name} is missing`);
      if (expected.index === false && index) problems.push(`an index of ${name} should not be there`);
      if (expected.unique === true && index?.unique !== true)
        problems.push(`an index of ${name} is not unique`);
      await database.dropCollection(name);
    }
    this.#collections.clear();
    const items = database.collection('items');
    const extra = (await items.indexes()).some((index) => index.name === 'text_1_tags_-1');
    if (this.#extra !== 'perhaps' && extra !== this.#extra) problems.push(`an index of items: ${extra}`);
    if (extra) await items.dropIndex('text_1_tags_-1');
    this.#extra = false;
    return problems;
  }
}

/** False if nobody answered. An answer that is a refusal is none that should be. */
async function answered(tally: Tally, kind: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    if (isRefusal(error)) throw error;
    return false;
  }
  tally[kind] = (tally[kind] ?? 0) + 1;
  return true;
}
