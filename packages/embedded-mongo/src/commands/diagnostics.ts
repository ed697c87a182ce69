import { hostname } from 'node:os';
import { Long } from 'bson';
import { ServerError } from '../errors.ts';
import type { IndexScan, Plan } from '../planner/plan.ts';
import { isSorted, matches, prepareFind } from '../query/execute.ts';
import { SESSION_MINUTES } from '../sessions.ts';
import type { Task } from '../task.ts';
import { MAX_DOCUMENT_BYTES } from '../values/codec.ts';
import { type Doc, Double, Int32, isDoc, toNumber } from '../values/types.ts';
import { explainable } from './aggregate.ts';
import { type Command, checkNamespace, docField, queryContext, type Reply, type Request } from './command.ts';

/** The release whose commands and wire version this engine speaks. */
export const VERSION = '8.0.0';
export const MAX_WIRE_VERSION = 25;
export const MAX_MESSAGE_BYTES = 48_000_000;

export const hello: Command = {
  fields: [
    'helloOk',
    'client',
    'compression',
    'saslSupportedMechs',
    'speculativeAuthenticate',
    'hostInfo',
    'loadBalanced',
    'topologyVersion',
    'maxAwaitTimeMS',
    'backpressure',
    'internalClient',
  ],
  run(request) {
    const modern = request.name === 'hello';
    // Without a topologyVersion drivers poll with plain hellos, and ask for no stream of them.
    return {
      ...(request.body.helloOk || modern ? { helloOk: true } : {}),
      [modern ? 'isWritablePrimary' : 'ismaster']: true,
      maxBsonObjectSize: new Int32(MAX_DOCUMENT_BYTES),
      maxMessageSizeBytes: new Int32(MAX_MESSAGE_BYTES),
      maxWriteBatchSize: new Int32(100_000),
      localTime: request.now,
      logicalSessionTimeoutMinutes: new Int32(SESSION_MINUTES),
      connectionId: new Int32(request.connection),
      minWireVersion: new Int32(0),
      maxWireVersion: new Int32(MAX_WIRE_VERSION),
      readOnly: false,
    };
  },
};

export const ping: Command = { fields: [], run: () => ({}) };
export const endSessions: Command = {
  fields: [],
  run({ body, engine }) {
    if (Array.isArray(body.endSessions))
      for (const session of body.endSessions) if (isDoc(session)) engine.sessions.end(session.id);
    return {};
  },
};

export const buildInfo: Command = {
  fields: [],
  unstable: true,
  run: () => ({
    version: VERSION,
    gitVersion: 'embedded',
    modules: ['kaana-embedded-mongo'],
    versionArray: VERSION.split('.')
      .concat('0')
      .map((part) => new Int32(Number(part))),
    bits: new Int32(64),
    debug: false,
    maxBsonObjectSize: new Int32(MAX_DOCUMENT_BYTES),
    storageEngines: ['lmdb'],
  }),
};

export const connectionStatus: Command = {
  fields: ['showPrivileges'],
  run: () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } }),
};

export const hostInfo: Command = {
  fields: [],
  unstable: true,
  run: ({ now }) => ({
    system: { currentTime: now, hostname: hostname() },
    os: { type: process.platform, name: process.platform, version: '' },
  }),
};

/** What the process itself holds, apart from the mapped data file. */
function memory(): Doc {
  // Only where the process was started with --expose-gc: what is held, without what is about to go.
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    bits: new Int32(64),
    resident: new Int32(Math.round(rss / 2 ** 20)),
    heapUsed: Long.fromNumber(heapUsed),
    external: Long.fromNumber(external),
  };
}

export const serverStatus: Command = {
  fields: ['repl', 'metrics', 'locks', 'mirroredReads', 'latchAnalysis'],
  unstable: true,
  run: ({ engine, now }) => ({
    host: hostname(),
    version: VERSION,
    process: 'kaana-embedded-mongo',
    pid: Long.fromNumber(process.pid),
    uptime: new Double(process.uptime()),
    localTime: now,
    mem: memory(),
    connections: { current: new Int32(engine.connections), available: new Int32(10_000) },
    storageEngine: {
      name: 'lmdb',
      persistent: true,
      pendingBytes: Long.fromNumber(engine.store.pendingBytes),
    },
    // Which engine this is; it changes with every start.
    instance: engine.instance,
  }),
};

export const getParameter: Command = {
  fields: ['featureCompatibilityVersion', 'ttlMonitorSleepSecs', 'allParameters'],
  unstable: true,
  run({ body, engine }) {
    const known: Doc = {
      featureCompatibilityVersion: { version: '8.0' },
      ttlMonitorSleepSecs: new Double(engine.ttlMonitorSleepSecs),
    };
    if (body.getParameter === '*') return known;
    const found = Object.keys(known).filter((name) => name in body);
    if (found.length === 0) throw new ServerError('InvalidOptions', 'no option found to get');
    return Object.fromEntries(found.map((name) => [name, known[name]]));
  },
};

export const setParameter: Command = {
  fields: ['ttlMonitorSleepSecs'],
  unstable: true,
  run({ body, engine }) {
    const seconds = toNumber(body.ttlMonitorSleepSecs);
    if (seconds === undefined || !(seconds > 0))
      throw new ServerError('InvalidOptions', 'ttlMonitorSleepSecs must be a positive number');
    const was = engine.ttlMonitorSleepSecs;
    engine.setTtlMonitorSleepSecs(seconds);
    return { was: new Double(was) };
  },
};

function scanStage(scan: IndexScan): Doc {
  const { index } = scan;
  return {
    stage: 'IXSCAN',
    keyPattern: index.keyPattern,
    indexName: index.name,
    isMultiKey: index.multikey,
    isUnique: index.unique,
    isSparse: index.sparse,
    isPartial: index.partialFilterExpression !== undefined,
    direction: scan.reverse ? 'backward' : 'forward',
    ranges: new Int32(scan.bounds.length),
  };
}

function planStage(plan: Plan, filter: Doc): Doc {
  if (plan.kind === 'collection')
    return { stage: 'COLLSCAN', filter, direction: plan.reverse ? 'backward' : 'forward' };
  const inputStage =
    plan.kind === 'index' ? scanStage(plan.scan) : { stage: 'OR', inputStages: plan.scans.map(scanStage) };
  return { stage: 'FETCH', ...(plan.kind === 'index' && plan.scan.exact ? {} : { filter }), inputStage };
}

interface Explained {
  filter: Doc;
  source: Doc;
  collection: string;
}

function explained(inner: Doc): Explained {
  const [name = ''] = Object.keys(inner);
  const collection = String(inner[name]);
  switch (name) {
    case 'find':
      return { filter: docField(inner, 'filter') ?? {}, source: inner, collection };
    case 'count':
    case 'distinct':
    case 'findAndModify':
    case 'findandmodify':
      return { filter: docField(inner, 'query') ?? {}, source: inner, collection };
    case 'update':
    case 'delete': {
      const [first] = (inner[name === 'update' ? 'updates' : 'deletes'] ?? []) as Doc[];
      return { filter: docField(first ?? {}, 'q') ?? {}, source: first ?? {}, collection };
    }
    case 'aggregate': {
      const head = explainable(inner);
      return { filter: head.filter, source: { ...inner, sort: head.sort }, collection };
    }
    default:
      throw new ServerError('CommandNotFound', `Explain failed due to unknown command: ${name}`);
  }
}

/** The plan stage of commands that change what they find; explaining one changes nothing. */
const WRITING: Record<string, string> = {
  update: 'UPDATE',
  findAndModify: 'UPDATE',
  findandmodify: 'UPDATE',
  delete: 'DELETE',
};

function* explainRequest(request: Request, inner: Doc, verbosity: unknown): Task<Reply> {
  const { filter, source, collection: name } = explained(inner);
  const namespace = checkNamespace(request.database, name);
  const collection = request.engine.catalog.find(namespace);
  const find = prepareFind(collection, {
    filter,
    sort: source.sort,
    hint: source.hint,
    context: queryContext(request, source),
  });
  const inputStage = collection ? planStage(find.plan, filter) : { stage: 'EOF' };
  const found = isSorted(find) ? inputStage : { stage: 'SORT', sortPattern: source.sort, inputStage };
  const writing = WRITING[Object.keys(inner)[0] ?? ''];
  const winningPlan = writing
    ? { stage: inner.remove === true ? 'DELETE' : writing, inputStage: found }
    : found;
  const rest = 'aggregate' in inner ? explainable(inner).rest : [];
  const reply: Reply = {
    ...(rest.length > 0 ? { pipeline: rest.map((stage) => ({ [stage.name]: stage.argument })) } : {}),
    explainVersion: '1',
    queryPlanner: { namespace, parsedQuery: filter, winningPlan, rejectedPlans: [] },
    command: inner,
    serverInfo: { host: hostname(), version: VERSION },
  };
  if (verbosity === 'queryPlanner') return reply;
  const limit = toNumber(source.limit) || Number.POSITIVE_INFINITY;
  let returned = 0;
  let examined = 0;
  if (collection) {
    const counted = {
      ...find,
      matcher: (doc: Doc) => {
        examined++;
        return find.matcher(doc);
      },
    };
    for (const match of matches(collection, counted)) {
      if (!match) {
        yield;
        continue;
      }
      if (!match.doc) examined++;
      if (++returned >= limit && isSorted(find)) break;
    }
  }
  const keys = find.plan.kind === 'collection' ? 0 : examined;
  reply.executionStats = {
    executionSuccess: true,
    nReturned: new Int32(Math.min(returned, limit)),
    totalKeysExamined: new Int32(keys),
    totalDocsExamined: new Int32(examined),
    executionStages: { ...winningPlan, nReturned: new Int32(Math.min(returned, limit)) },
  };
  return reply;
}

export const explain: Command = {
  fields: ['verbosity'],
  *run(request): Task<Reply> {
    const inner = request.body.explain;
    if (!isDoc(inner))
      throw new ServerError(
        'TypeMismatch',
        "BSON field 'explain.explain' is the wrong type, expected type 'object'",
      );
    const verbosity = request.body.verbosity ?? 'allPlansExecution';
    if (!['queryPlanner', 'executionStats', 'allPlansExecution'].includes(String(verbosity)))
      throw new ServerError(
        'BadValue',
        `Enumeration value '${String(verbosity)}' for field 'explain.verbosity' is not a valid value.`,
      );
    return yield* explainRequest(request, inner, verbosity);
  },
};
