import { Agent, get } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';
import type { LoadOrder, LoadReport, Stream, StreamResult } from './load.ts';

const report = (message: LoadReport) => process.send?.(message);

/** What is counted while it is recorded; autocannon's own percentiles are whole milliseconds. */
const createRecord = (status: number) => {
  const latencies = createHistogram();
  const statuses: Record<number, number> = {};
  let errors = 0;
  let answering = false;
  let since: number | undefined;
  return {
    start: () => {
      since = performance.now();
    },
    answer: (answered: number, milliseconds: number) => {
      if (!answering) report({ kind: 'answered' });
      answering = true;
      if (since === undefined) return;
      statuses[answered] = (statuses[answered] ?? 0) + 1;
      if (answered === status) latencies.record(Math.max(1, Math.round(milliseconds * 1_000)));
    },
    error: () => {
      if (since !== undefined) errors++;
    },
    result: (): StreamResult => ({
      statuses,
      errors,
      seconds: (performance.now() - (since ?? 0)) / 1_000,
      p50: latencies.percentile(50) / 1_000,
      p99: latencies.percentile(99) / 1_000,
    }),
  };
};
type Recorder = ReturnType<typeof createRecord>;

const headersOf = (token: string | undefined) =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/**
 * The tokens of one connection. No two have the same where there are enough: connections that begin together and go
 * through one list would all send the same token at the same time.
 */
const deal = (tokens: readonly string[], connection: number, connections: number): readonly string[] =>
  tokens.length <= connections
    ? tokens.slice(connection % tokens.length).slice(0, 1)
    : tokens.filter((_token, index) => index % connections === connection);

/** Longer than any run; it ends when it is told to. */
const A_DAY_IN_SECONDS = 86_400;

/** As fast as the answers come. */
const runClosed = (url: string, { tokens, connections }: Stream, record: Recorder): void => {
  let connection = 0;
  const setupClient = (client: autocannon.Client) => {
    const dealt = deal(tokens, connection++, connections);
    client.setRequests(dealt.map((token) => ({ headers: headersOf(token) })));
  };
  const instance = autocannon(
    {
      url,
      connections,
      pipelining: 1,
      duration: A_DAY_IN_SECONDS,
      ...(tokens.length > 1 ? { setupClient } : { headers: headersOf(tokens[0]) }),
    },
    (error) => {
      throw error ?? new Error('The load has ended by itself.');
    },
  );
  instance.on('response', (_client, status, _bytes, milliseconds) => record.answer(status, milliseconds));
  instance.on('reqError', () => record.error());
};

/** At a steady rate. autocannon's own rate sends a whole second's requests at once. */
const runPaced = (
  url: string,
  { tokens, connections }: Stream,
  perSecond: number,
  record: Recorder,
): void => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let sent = 0;
  const send = () => {
    const since = performance.now();
    const headers = headersOf(tokens[sent++ % tokens.length]);
    get(url, { agent, headers }, (response) => {
      response.resume();
      response.once('end', () => record.answer(response.statusCode ?? 0, performance.now() - since));
    }).on('error', () => record.error());
  };
  const start = performance.now();
  setInterval(() => {
    const due = ((performance.now() - start) / 1_000) * perSecond;
    while (sent < due) send();
  }, 1);
};

let record: Recorder | undefined;
process.on('message', (order: LoadOrder) => {
  if (order.kind === 'start') {
    const { url, stream } = order;
    record = createRecord(stream.status);
    if (stream.perSecond === null) runClosed(url, stream, record);
    else runPaced(url, stream, stream.perSecond, record);
  } else if (order.kind === 'record') record?.start();
  else if (record) report({ kind: 'result', result: record.result() });
});
// Without whoever has started us there is nobody to stop us.
process.once('disconnect', () => process.exit(1));
