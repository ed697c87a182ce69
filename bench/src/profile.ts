import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Subject } from './cases.ts';
import { checkServer } from './check.ts';
import { answersOf } from './load.ts';
import type { Options } from './options.ts';
import { temporary } from './process.ts';
import { applyLoad } from './sample.ts';
import { table } from './table.ts';

type CallFrame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };

/** A `.cpuprofile`, times in microseconds of the clock that all processes share. */
type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

type Window = { readonly from: number; readonly to: number };

/** Whose code it is: a package, a part of Node, or the machine below. */
const groupOf = ({ functionName, url }: CallFrame): string => {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'native';
  if (url.startsWith('node:')) return 'node';
  const [, installed] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (installed !== undefined) return installed;
  const [, ours] = /\/(?:apps|packages)\/([^/]+)\//.exec(url) ?? [];
  return ours === undefined ? 'bench' : `@kaana/${ours}`;
};

const placeOf = ({ url, lineNumber }: CallFrame): string =>
  url === '' ? '' : `${url.replace(/^.*\/(node_modules|apps|packages|bench)\//, '')}:${lineNumber + 1}`;

class Times extends Map<string, number> {
  add(key: string, microseconds: number): void {
    this.set(key, (this.get(key) ?? 0) + microseconds);
  }

  largest(count: number): [string, number][] {
    return [...this].sort(([, one], [, other]) => other - one).slice(0, count);
  }
}

const isIdle = ({ functionName }: CallFrame) => functionName === '(idle)' || functionName === '(root)';

/** Self times within the window. */
const addUp = ({ nodes, startTime, samples, timeDeltas }: Profile, { from, to }: Window) => {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const groups = new Times();
  const functions = new Times();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    const frame = frames.get(id);
    if (!frame || isIdle(frame) || at < from || at > to) continue;
    const group = groupOf(frame);
    groups.add(group, delta);
    functions.add(`${group} | \`${frame.functionName || '(anonymous)'}\` | ${placeOf(frame)}`, delta);
  }
  return { groups, functions };
};

const TOP_FUNCTIONS = 40;

/** Runs a case once under V8's profiler, and tells where the server's time went while it was measured. */
export const profileSubject = async (subject: Subject, options: Options): Promise<string> => {
  const folder = mkdtempSync(join(temporary, 'profile-'));
  const server = await subject.start(['--cpu-prof', '--cpu-prof-dir', folder]);
  await checkServer(server.address, subject);
  const measurement = await applyLoad(subject, server, options);
  await server.stop();

  const groups = new Times();
  const functions = new Times();
  for (const file of readdirSync(folder)) {
    const part = addUp(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile, measurement);
    for (const [group, time] of part.groups) groups.add(group, time);
    for (const [name, time] of part.functions) functions.add(name, time);
  }
  const total = [...groups.values()].reduce((sum, time) => sum + time, 0);
  const answers = measurement.streams.reduce((sum, result) => sum + answersOf(result), 0);
  const cells = (time: number) => [(time / answers).toFixed(2), `${((100 * time) / total).toFixed(1)} %`];
  return [
    `Server CPU: ${measurement.serverCpu.toFixed(1)} µs per answer. The profile has ${(total / answers).toFixed(1)} µs of its main thread, by the clock: more on a busy machine, and without other threads.`,
    table(
      ['whose', 'µs per answer', 'share'],
      groups.largest(groups.size).map(([group, time]) => [group, ...cells(time)]),
    ),
    table(
      ['whose', 'function', 'where', 'µs per answer', 'share'],
      functions.largest(TOP_FUNCTIONS).map(([name, time]) => [name, ...cells(time)]),
      3,
    ),
  ].join('\n\n');
};
