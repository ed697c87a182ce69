import { Client } from './client.ts';
import { DOCUMENTS, fill, LOADS, type Load } from './loads.ts';
import { median, throughput } from './measure.ts';

/** One load on both servers: requests per second, and the ratio of the two in the middle round. */
export interface Comparison {
  name: string;
  ours: number;
  theirs: number | undefined;
  ratio: number | undefined;
  target: number;
  note: string;
}

interface Side {
  database: string;
  clients: Client[];
}

async function prepare(uri: string, connections: number): Promise<Side> {
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(uri)));
  const side = { database: `core_bench_${process.pid}`, clients };
  await fill(clients[0] as Client, side.database, 'items', DOCUMENTS);
  return side;
}

/** Different requests of one load; enough of them that a server cannot live on its last answers. */
const MESSAGES = 2000;

function once(side: Side, load: Load, milliseconds: number): Promise<number> {
  const clients = side.clients.slice(0, load.connections);
  if (load.unique) return throughput(clients, () => load.message(side.database), milliseconds);
  // Encoded beforehand, as the client shares the machine with the servers.
  const messages = Array.from({ length: MESSAGES }, () => load.message(side.database));
  let next = 0;
  return throughput(clients, () => messages[next++ % MESSAGES] as Buffer, milliseconds);
}

/**
 * Runs every load on both servers in turns. In each round the two follow each other at once, so whatever else the
 * machine does meets both; the ratio of a round is what counts, and of the rounds the median.
 */
export async function compare(
  ours: string,
  theirs: string | undefined,
  rounds: number,
  milliseconds: number,
): Promise<Comparison[]> {
  const connections = Math.max(...LOADS.map((load) => load.connections));
  const here = await prepare(ours, connections);
  const there = theirs === undefined ? undefined : await prepare(theirs, connections);
  try {
    const results: Comparison[] = [];
    for (const load of LOADS) {
      const rates: { ours: number; theirs: number | undefined }[] = [];
      await once(here, load, milliseconds / 2);
      if (there) await once(there, load, milliseconds / 2);
      for (let round = 0; round < rounds; round++) {
        // Who comes first changes, in case the first one pays for something.
        const first = round % 2 === 0 ? await once(here, load, milliseconds) : undefined;
        const other = there && (await once(there, load, milliseconds));
        rates.push({ ours: first ?? (await once(here, load, milliseconds)), theirs: other });
      }
      results.push({
        name: load.name,
        ours: median(rates.map((rate) => rate.ours)),
        theirs: there && median(rates.map((rate) => rate.theirs ?? Number.NaN)),
        ratio: there && median(rates.map((rate) => rate.ours / (rate.theirs ?? Number.NaN))),
        target: load.target,
        note: load.note,
      });
    }
    return results;
  } finally {
    for (const side of [here, there]) {
      await side?.clients[0]?.run({ dropDatabase: 1 }, side.database);
      for (const client of side?.clients ?? []) client.close();
    }
  }
}
