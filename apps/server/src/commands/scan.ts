import { realpath, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { redactTokens, tokenStart } from '@kaana/api-key';
import { callerDirectory } from '../environment.ts';
import { type Finding, scanFiles } from '../scan/files.ts';
import { GitError, repositoryOf, scanHistory } from '../scan/history.ts';
import { reportTokens } from '../scan/report.ts';
import { type Command, UsageError } from './command.ts';

export const SCAN_USAGE = `scan PATH [--no-history] [--exclude PATH] [--json] [--report URL]
    Finds our tokens in files and in the git history. Exit status: 0 none, 1 found, 2 could not look everywhere.
    --no-history  reads the files alone
    --exclude     leaves out what is at this path below PATH; may be given several times
    --json        writes one JSON object
    --report      sends the tokens that were found to the server at this address, which ends them`;

/** Nothing that a terminal would obey, and no token, whatever a file is called. */
const printable = (path: string): string =>
  redactTokens(path).replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const placeOf = ({ commit, path, line }: Finding): string =>
  [...(commit === null ? [] : [commit.slice(0, 12)]), printable(path), ...(line > 0 ? [line] : [])].join(':');

const messageOf = (error: unknown): string =>
  redactTokens(error instanceof Error ? error.message : String(error));

type Settings = {
  readonly directory: string;
  readonly path: string;
  readonly exclude: readonly string[];
  readonly history: boolean;
  readonly json: boolean;
  readonly report: URL | null;
};

const scan = async ({ directory, path, exclude, history, json, report }: Settings): Promise<number> => {
  const findings: Finding[] = [];
  const failures: string[] = [];
  const found = (finding: Finding) => {
    // Below where the caller is, as the caller would write it.
    const shown =
      finding.source === 'file'
        ? { ...finding, path: relative(directory, finding.path) || finding.path }
        : finding;
    findings.push(shown);
    if (!json) console.log(`${placeOf(shown)}: ${tokenStart(finding.token)}…`);
  };
  const failed = (what: string, error: unknown) => {
    failures.push(`${printable(what)}: ${messageOf(error)}`);
  };
  const root = await realpath(resolve(directory, path));
  const files = await scanFiles({ root, exclude, found, failed });
  let objects = 0;
  const isFolder = (await stat(root)).isDirectory();
  const repository = history && isFolder ? await repositoryOf(root) : null;
  if (repository) {
    if (repository.shallow) {
      console.error('This clone is shallow: tokens in older commits are not found. Fetch all of it first.');
    }
    objects = await scanHistory({ folder: root, found, failed });
  }
  if (json) {
    const told = findings.map(({ token, ...finding }) => ({
      ...finding,
      path: printable(finding.path),
      start: tokenStart(token),
    }));
    console.log(JSON.stringify({ findings: told, failures, scanned: { root, files, objects } }));
  } else {
    for (const failure of failures) console.error(failure);
    const what = `${files} files${repository ? ` and ${objects} objects of the history` : ''} in ${printable(root)}`;
    console.error(`${findings.length === 0 ? 'No token' : `${findings.length} tokens`} in ${what}.`);
  }
  if (report && findings.length > 0) {
    const sent = await reportTokens(report, [...new Set(findings.map(({ token }) => token))]);
    if (!json) console.error(`${sent} tokens were reported to ${report.origin}.`);
  }
  if (failures.length > 0) return 2;
  return findings.length > 0 ? 1 : 0;
};

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Tokens are sent there: only encrypted, but for this machine itself. */
const readReport = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname))) return url;
  throw new UsageError('--report takes the https address of a server.');
};

export const readScan = (args: string[]): Command => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      history: { type: 'boolean', default: true },
      exclude: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      report: { type: 'string' },
    },
  });
  const [path, ...rest] = positionals;
  if (path === undefined) throw new UsageError('Which files? Give a PATH, e.g. scan .');
  if (rest.length > 0) throw new UsageError('Give one PATH at a time.');
  const report = values.report === undefined ? null : readReport(values.report);
  const { exclude, history, json } = values;
  return async () => {
    try {
      return await scan({ directory: callerDirectory(process.env), path, exclude, history, json, report });
    } catch (error) {
      console.error(
        error instanceof GitError ? `The history cannot be read: ${messageOf(error)}` : messageOf(error),
      );
      return 2;
    }
  };
};
