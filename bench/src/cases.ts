import { mintToken } from '@kaana/api-key';
import { ENGINES, type Engine } from './database.ts';
import type { Stream } from './load.ts';
import type { Options } from './options.ts';
import type { Environment } from './process.ts';
import { KEYS_PER_ACCOUNT, type Population } from './seed.ts';
import { type Floor, type Server, startBetterAuth, startFloor } from './servers.ts';
import { createSite, type Site } from './site.ts';

/** What is put under load, ready to be started as often as needed. */
export type Subject = {
  readonly path: string;
  /** One that is accepted; `null` where none is asked for. */
  readonly token: string | null;
  /** The first one is measured; the others go on beside it. */
  readonly streams: readonly [Stream, ...Stream[]];
  start(nodeOptions: readonly string[]): Promise<Server>;
};

export type Case = {
  readonly name: string;
  readonly title: string;
  /** What it is compared with, within a round; `null` where throughput is not what it is about. */
  readonly floor: Floor | null;
  prepare(): Promise<Subject>;
};

const REST = '/api/user';
const TRPC = '/trpc/user.me';
const USED_KEYS = 10_000;
const NEIGHBOUR_PER_SECOND = 100;
const NEIGHBOUR_CONNECTIONS = 10;
const BETTER_AUTH_STORES = {
  memory: 'in memory',
  embedded: 'on an embedded engine, as ours',
  mongodb: 'on MongoDB',
} as const;
/** Times the usual connections. */
const OVERLOAD = 40;

/** So that the keys of an account do not come together. */
const shuffled = (tokens: readonly string[]): string[] => {
  const order = [...tokens];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? '', order[last] ?? ''];
  }
  return order;
};

const first = (tokens: readonly string[]): string => {
  const [token] = tokens;
  if (token === undefined) throw new Error('There are no keys.');
  return token;
};

/** The same token, but for its checksum. */
export const mistype = (token: string): string => token.slice(0, -1) + (token.endsWith('0') ? '1' : '0');

/** The databases of the product that cases share; each is made when a case first asks for it. */
export class Sites {
  readonly #sites = new Map<string, Promise<Site>>();

  get(engine: Engine, population: Population): Promise<Site> {
    const name = `${engine} ${population.storedKeys}`;
    const site = this.#sites.get(name) ?? createSite(engine, population);
    this.#sites.set(name, site);
    return site;
  }

  async dispose(): Promise<void> {
    for (const site of this.#sites.values()) await (await site).dispose();
  }
}

/** Every case there is, in the order in which a round goes through them. */
export const createCases = (sites: Sites, { connections, storedKeys }: Options): Case[] => {
  const stream = (tokens: readonly string[], more: Partial<Stream> = {}): Stream => ({
    tokens,
    connections,
    perSecond: null,
    status: 200,
    alsoRight: [],
    ...more,
  });

  const floor = (name: Floor, title: string, path: string): Case => ({
    name,
    title,
    floor: name === 'trpc' ? 'trpc' : 'fastify',
    prepare: async () => ({
      path,
      token: null,
      streams: [stream([])],
      start: (nodeOptions) => startFloor(name, nodeOptions),
    }),
  });

  const betterAuth = (store: 'memory' | Engine): Case => ({
    name: `better-auth-${store}`,
    title: `better-auth, one key, ${BETTER_AUTH_STORES[store]}`,
    floor: 'fastify',
    prepare: async () => {
      const token = mintToken();
      return {
        path: REST,
        token,
        streams: [stream([token])],
        start: (nodeOptions) => startBetterAuth(store, token, nodeOptions),
      };
    },
  });

  const ours = (engine: Engine): Case[] => {
    const few: Population = { storedKeys: USED_KEYS, usedKeys: USED_KEYS };
    const many: Population = { storedKeys, usedKeys: USED_KEYS };

    type Details = {
      readonly floor?: Floor | null;
      readonly path?: string;
      readonly population?: Population;
      readonly environment?: Environment;
    };
    const product = (
      name: string,
      title: string,
      streams: (site: Site) => readonly [Stream, ...Stream[]],
      { floor = 'fastify', path = REST, population = few, environment = {} }: Details = {},
    ): Case => ({
      name: engine === 'embedded' ? name : `${name}@${engine}`,
      title: engine === 'embedded' ? title : `${title}, on MongoDB`,
      floor,
      prepare: async () => {
        const site = await sites.get(engine, population);
        return {
          path,
          token: first(site.tokens),
          streams: streams(site),
          start: (nodeOptions) => site.start(nodeOptions, environment),
        };
      },
    });
    const oneKey = ({ tokens }: Site) => stream([first(tokens)]);
    const allKeys = ({ tokens }: Site) => stream(shuffled(tokens));
    const refused = { status: 429, alsoRight: [200] };
    // Another account than the first one, which makes the flood.
    const neighbour = ({ tokens }: Site) =>
      stream(tokens.slice(-1), { connections: NEIGHBOUR_CONNECTIONS, perSecond: NEIGHBOUR_PER_SECOND });
    const paced = `one key at ${NEIGHBOUR_PER_SECOND} requests per second`;

    return [
      product('one-key', 'one key', (site) => [oneKey(site)]),
      product('1000-keys', '1,000 keys of 100 accounts', ({ tokens }) => [
        stream(shuffled(tokens.slice(0, 100 * KEYS_PER_ACCOUNT))),
      ]),
      product('10000-keys', '10,000 keys, all that are stored', (site) => [allKeys(site)]),
      product(
        '10000-keys-of-many',
        `10,000 keys of ${storedKeys.toLocaleString('en')} that are stored`,
        (site) => [allKeys(site)],
        { population: many },
      ),
      product('bad-checksum', 'a token with a wrong checksum: 401', ({ tokens }) => [
        stream([mistype(first(tokens))], { status: 401 }),
      ]),
      product('unknown-keys', '1,000 tokens that nobody has: 401', () => [
        stream(Array.from({ length: 1_000 }, mintToken), { status: 401 }),
      ]),
      product('over-limit', 'one key over its limit: 429', ({ limitedToken }) => [
        stream([limitedToken], refused),
      ]),
      product('neighbour', `${paced}, alone`, (site) => [neighbour(site)], { floor: null }),
      product(
        'neighbour-of-accepted',
        `${paced}, beside a flood of 200s`,
        (site) => [neighbour(site), oneKey(site)],
        { floor: null },
      ),
      product(
        'neighbour-of-refused',
        `${paced}, beside a flood of 429s`,
        (site) => [neighbour(site), stream([site.limitedToken], refused)],
        { floor: null },
      ),
      product('trpc-one-key', 'one key, tRPC', (site) => [oneKey(site)], { floor: 'trpc', path: TRPC }),
      product('two-workers', 'one key, WORKERS=2', (site) => [oneKey(site)], {
        environment: { WORKERS: '2' },
      }),
      product(
        'overload',
        `one key, ${connections * OVERLOAD} connections: 200 or 503`,
        ({ tokens }) => [stream([first(tokens)], { connections: connections * OVERLOAD, alsoRight: [503] })],
        { floor: null },
      ),
    ];
  };

  return [
    floor('node', 'bare node:http', REST),
    floor('fastify', 'bare Fastify', REST),
    floor('trpc', 'bare tRPC on Fastify', TRPC),
    betterAuth('memory'),
    ...ENGINES.flatMap((engine) => [betterAuth(engine), ...ours(engine)]),
  ];
};

/** The cases of these names, and the floors that they are compared with. */
export const selectCases = (cases: readonly Case[], names: readonly string[]): Case[] => {
  const unknown = names.filter((name) => !cases.some((known) => known.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `No such case: ${unknown.join(', ')}. There are ${cases.map(({ name }) => name).join(', ')}.`,
    );
  }
  const named = cases.filter(({ name }) => names.includes(name));
  return cases.filter((one) => named.includes(one) || named.some(({ floor }) => floor === one.name));
};
