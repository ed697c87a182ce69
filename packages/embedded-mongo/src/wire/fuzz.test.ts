import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../engine.ts';
import { encode } from '../values/codec.ts';
import type { Doc } from '../values/types.ts';
import { encodeMessage, FrameReader } from './frame.ts';
import { readMessage } from './message.ts';

const folder = mkdtempSync(join(tmpdir(), 'embedded-mongo-fuzz-'));
let engine: Engine;
let socket: Socket;
const unexpected: unknown[] = [];

beforeAll(async () => {
  engine = await Engine.start({
    dataDir: folder,
    port: 0,
    onFatal: (error) => {
      throw error;
    },
  });
  engine.log = (error) => unexpected.push(error);
  socket = connect(engine.port, '127.0.0.1');
  await once(socket, 'connect');
});

afterAll(async () => {
  socket.destroy();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function ask(body: Doc): Promise<Doc> {
  const reader = new FrameReader();
  socket.write(encodeMessage(0, encode({ ...body, $db: 'fuzz' })));
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    const [frame] = reader.push(chunk);
    if (frame) return readMessage(frame.body).body;
  }
}

const OPERATORS = [
  '$eq',
  '$gt',
  '$in',
  '$nin',
  '$not',
  '$and',
  '$or',
  '$expr',
  '$elemMatch',
  '$all',
  '$size',
  '$type',
  '$mod',
  '$regex',
  '$options',
  '$exists',
  '$set',
  '$inc',
  '$push',
  '$each',
  '$slice',
  '$sort',
  '$position',
  '$pull',
  '$rename',
  '$bit',
  '$unset',
  '$cond',
  '$concatArrays',
  '$let',
  '$map',
  '$literal',
  '$project',
  '$group',
  '$match',
  '$lookup',
  '$sum',
  '$',
];
const FIELDS = [
  'a',
  'b',
  'a.b',
  'a.0',
  'a.$',
  'a.$[]',
  'a.$[x]',
  '_id',
  '',
  '.',
  'a..b',
  '$x',
  '__proto__',
  'constructor',
];
const name = fc.oneof(fc.constantFrom(...FIELDS), fc.constantFrom(...OPERATORS));
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(
      null,
      0,
      1,
      -1,
      2 ** 40,
      Number.NaN,
      '',
      'a',
      '$a',
      '$$NOW',
      '$$x',
      true,
      new Date(Number.NaN),
      /a/i,
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
})).value;

const command = fc.oneof(
  fc.record(
    { find: fc.constant('c'), filter: value, sort: value, projection: value, limit: value },
    { requiredKeys: ['find'] },
  ),
  fc.record({ insert: fc.constant('c'), documents: fc.array(value, { maxLength: 2 }) }),
  fc.record({
    update: fc.constant('c'),
    updates: fc.array(
      fc.record(
        { q: value, u: value, multi: fc.boolean(), upsert: fc.boolean(), arrayFilters: value },
        { requiredKeys: ['q', 'u'] },
      ),
      { maxLength: 2 },
    ),
  }),
  fc.record(
    { findAndModify: fc.constant('c'), query: value, update: value, fields: value, sort: value },
    { requiredKeys: ['findAndModify', 'update'] },
  ),
  fc.record({
    aggregate: fc.constant('c'),
    pipeline: fc.array(value, { maxLength: 3 }),
    cursor: fc.constant({}),
  }),
  fc.record({
    createIndexes: fc.constant('c'),
    indexes: fc.array(fc.record({ key: value, name: fc.constantFrom('x', 'y') })),
  }),
  fc.record({ distinct: fc.constant('c'), key: value, query: value }),
  fc.record({
    delete: fc.constant('c'),
    deletes: fc.array(fc.record({ q: value, limit: fc.constantFrom(0, 1) }), { maxLength: 2 }),
  }),
  fc.dictionary(
    fc.constantFrom(
      'getMore',
      'killCursors',
      'count',
      'explain',
      'collMod',
      'drop',
      'create',
      'collStats',
      'validate',
      'dropIndexes',
      'listCollections',
    ),
    value,
    { minKeys: 1, maxKeys: 3 },
  ),
);

describe('any command', () => {
  test('is answered, and leaves indexes that agree with the documents', async () => {
    await fc.assert(
      fc.asyncProperty(command, async (body) => {
        const reply = await ask(body as Doc);
        expect(reply).toHaveProperty('ok');
      }),
      { numRuns: 1500 },
    );
    const report = await ask({ validate: 'c' });
    if (Number(String(report.ok)) === 1) expect(report).toMatchObject({ valid: true, errors: [] });
    expect(unexpected.map(String)).toEqual([]);
  });
});
