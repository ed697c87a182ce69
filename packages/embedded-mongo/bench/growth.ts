import { Client } from './client.ts';
import { fill } from './loads.ts';
import { median, throughput } from './measure.ts';

const DATABASE = 'growth';
const SMALL = 1000;

/** What a large collection costs the engine. */
export interface Growth {
  documents: number;
  /** Time of a look-up by index in the large collection, by that in one of 1,000; the middle round. */
  lookupRatio: number;
  /** Of the engine's own heap and buffers, after garbage collection; the mapped file is the system's. */
  heapMegabytes: number;
  scanSeconds: number;
  /** Of the answers to a ping on another connection, while the whole collection was read. */
  longestPingMs: number;
  medianPingMs: number;
  pings: number;
}

async function lookups(client: Client, name: string, count: number, milliseconds: number): Promise<number> {
  const message = (): Buffer => {
    const n = Math.floor(Math.random() * count);
    return Client.message({ find: name, filter: { n }, limit: 1, singleBatch: true }, DATABASE);
  };
  return throughput([client], message, milliseconds);
}

async function pingsDuring(uri: string, work: Promise<unknown>): Promise<number[]> {
  const client = await Client.open(uri);
  const ping = Client.message({ ping: 1 }, DATABASE);
  const times: number[] = [];
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  while (!done) {
    const start = performance.now();
    await client.send(ping);
    times.push(performance.now() - start);
  }
  await ended;
  client.close();
  return times;
}

export async function growth(
  uri: string,
  documents: number,
  rounds: number,
  milliseconds: number,
): Promise<Growth> {
  const client = await Client.open(uri);
  await fill(client, DATABASE, 'small', SMALL);
  await fill(client, DATABASE, 'large', documents);
  await lookups(client, 'small', SMALL, milliseconds);
  await lookups(client, 'large', documents, milliseconds);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const small = await lookups(client, 'small', SMALL, milliseconds);
    ratios.push(small / (await lookups(client, 'large', documents, milliseconds)));
  }
  const { mem } = (await client.run({ serverStatus: 1 }, 'admin')) as {
    mem: { heapUsed: number; external: number };
  };
  const start = performance.now();
  const scan = client.run({ count: 'large', query: { text: 'nowhere' } }, DATABASE);
  const pings = await pingsDuring(uri, scan);
  const scanSeconds = (performance.now() - start) / 1000;
  client.close();
  return {
    documents,
    lookupRatio: median(ratios),
    heapMegabytes: (Number(mem.heapUsed) + Number(mem.external)) / 2 ** 20,
    scanSeconds,
    longestPingMs: Math.max(...pings),
    medianPingMs: median(pings),
    pings: pings.length,
  };
}
