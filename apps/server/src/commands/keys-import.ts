import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KeyImport, toKeyToImport } from '@kaana/api';
import {
  createImports,
  createKeys,
  createRehearsal,
  type Importer,
  type Imports,
  KaanaError,
  type KeyToImport,
  operatorImporter,
  systemClock,
} from '@kaana/core';
import { callerDirectory } from '../environment.ts';
import { type Command, UsageError } from './command.ts';
import { withStores } from './database.ts';
import { linesOf } from './lines.ts';
import { Progress, type Screen } from './progress.ts';

export const KEYS_IMPORT_USAGE = `keys import FILE.jsonl [--organization NAME] [--dry-run] [--report FILE]
    Takes over keys of another system by their hashes: one JSON object in a line (docs/importing.md).
    Run it again to continue what was broken off: what is there already is not imported twice.
    --organization  takes only keys whose owners are in this organization
    --dry-run       writes nothing, and says what would become of every line
    --report        writes every rejected line's number and reason into this file, as JSON lines`;

const MAX_LINE_BYTES = 64 * 1024;
const BATCH = 500;
/** A database that fails over is back within this. */
const ATTEMPTS = 30;
const ATTEMPT_DELAY_MS = 1_000;
/** Without a report, so many rejected lines are shown. */
const SHOWN = 20;

type Rejection = { readonly line: number; readonly reason: string; readonly externalId?: string };
type Parsed = { readonly line: number; readonly key: KeyToImport };

/** A line as a key, or what is wrong with it. Never says what stands in the line: there may be secrets in it. */
export const readLine = (line: number, text: string | null): Parsed | Rejection | null => {
  if (text === null) return { line, reason: `is longer than ${MAX_LINE_BYTES / 1024} KiB` };
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    // A byte order mark is what some editors begin a file with.
    value = JSON.parse(line === 1 ? text.replace(/^\ufeff/, '') : text);
  } catch {
    return { line, reason: 'is not JSON' };
  }
  const parsed = KeyImport.safeParse(value);
  if (parsed.success) return { line, key: toKeyToImport(parsed.data) };
  const reasons = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  return { line, reason: reasons.join('; ').slice(0, 500) };
};

export type ImportCounts = { lines: number; imported: number; existing: number; rejected: number };

export type ImportFileOptions = {
  readonly path: string;
  readonly importer: Importer;
  readonly dryRun: boolean;
  readonly screen: Screen;
  /** Told of every rejected line, in order. */
  readonly reject: (rejection: Rejection) => Promise<void> | void;
};

const patiently = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof KaanaError && error.code === 'store_unavailable';
      if (!passes || attempt === ATTEMPTS) throw error;
      await new Promise((wake) => setTimeout(wake, ATTEMPT_DELAY_MS));
    }
  }
};

/** One batch is in memory at a time, whatever the size of the file. */
export const importFile = async (imports: Imports, options: ImportFileOptions): Promise<ImportCounts> => {
  const { path, importer, dryRun, screen, reject } = options;
  const { size } = await stat(path);
  const counts: ImportCounts = { lines: 0, imported: 0, existing: 0, rejected: 0 };
  const progress = new Progress(screen);
  const rehearsal = dryRun ? createRehearsal() : null;
  let batch: (Parsed | Rejection)[] = [];

  const flush = async (bytesRead: number) => {
    const keys = batch.flatMap((entry) => ('key' in entry ? [entry.key] : []));
    const outcomes =
      keys.length > 0
        ? await patiently(() => imports.import(importer, keys, rehearsal ? { rehearsal } : {}))
        : [];
    let next = 0;
    for (const entry of batch) {
      counts.lines++;
      const outcome = 'key' in entry ? outcomes[next++] : undefined;
      if (outcome?.status === 'imported') counts.imported++;
      else if (outcome?.status === 'exists') counts.existing++;
      else {
        counts.rejected++;
        if ('reason' in entry) await reject(entry);
        else {
          const { externalId } = entry.key;
          const reason = outcome?.status === 'rejected' ? outcome.reason : 'was not looked at';
          await reject({ line: entry.line, reason, ...(externalId === null ? {} : { externalId }) });
        }
      }
    }
    batch = [];
    const { lines, imported, existing, rejected } = counts;
    progress.update(
      size === 0 ? 1 : Math.min(1, bytesRead / size),
      `${lines} lines: ${imported} ${dryRun ? 'to import' : 'imported'}, ${existing} already there, ${rejected} rejected`,
    );
  };

  try {
    let bytesRead = 0;
    for await (const line of linesOf(createReadStream(path), MAX_LINE_BYTES)) {
      ({ bytesRead } = line);
      const entry = readLine(line.number, line.text);
      if (entry) batch.push(entry);
      if (batch.length >= BATCH) await flush(bytesRead);
    }
    if (batch.length > 0) await flush(size);
  } finally {
    progress.end();
  }
  return counts;
};

const openReport = async (path: string): Promise<WriteStream> => {
  const report = createWriteStream(path, { mode: 0o600 });
  await once(report, 'open');
  return report;
};

export const readKeysImport = (args: string[]): Command => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      organization: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      report: { type: 'string' },
    },
  });
  const [file, ...rest] = positionals;
  if (file === undefined) throw new UsageError('Which file? Give FILE.jsonl.');
  if (rest.length > 0) throw new UsageError('Give one file at a time.');
  return async () => {
    const directory = callerDirectory(process.env);
    const path = resolve(directory, file);
    const dryRun = values['dry-run'];
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError(`${file} is no file.`);
    return withStores(async ({ stores, peppers }) => {
      const { organization: name } = values;
      const organization = name === undefined ? null : await stores.organizations.findByName(name);
      if (name !== undefined && !organization) {
        throw new KaanaError('not_found', `No organization is named "${name}".`);
      }
      const imports = createImports(stores, createKeys(stores, peppers, systemClock), peppers, systemClock);
      const report = values.report === undefined ? null : await openReport(resolve(directory, values.report));
      let shown = 0;
      const reject = async (rejection: Rejection) => {
        if (report) {
          if (!report.write(`${JSON.stringify(rejection)}\n`)) await once(report, 'drain');
        } else if (shown++ < SHOWN) console.error(`line ${rejection.line}: ${rejection.reason}`);
      };
      const counts = await importFile(imports, {
        path,
        importer: operatorImporter(organization?.id ?? null),
        dryRun,
        screen: process.stdout,
        reject,
      });
      if (report) {
        report.end();
        await once(report, 'close');
      } else if (shown > SHOWN) {
        console.error(`... and ${shown - SHOWN} more; --report FILE lists them all.`);
      }
      const { lines, imported, existing, rejected } = counts;
      console.log(
        `${dryRun ? 'Dry run, nothing was written. ' : ''}${lines} lines: ${imported} ${dryRun ? 'to import' : 'imported'}, ${existing} already there, ${rejected} rejected`,
      );
      return rejected > 0 ? 1 : 0;
    });
  };
};
