import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, createCases, Sites, type Subject, selectCases } from './cases.ts';
import { goalTable } from './goals.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { profileSubject } from './profile.ts';
import { type Sample, takeSample } from './sample.ts';
import { resultTable } from './table.ts';

const args = process.argv.slice(2);

const describeRun = ({ rounds, seconds, warmup, connections }: Options) => {
  const [processor] = cpus();
  return [
    `\`${['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')}\``,
    `${cpus().length} cores (${processor?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, load generator included`,
    `${connections} connections, ${rounds} interleaved rounds of ${seconds} s after ${warmup} s`,
    new Date().toISOString().slice(0, 10),
  ].join(' · ');
};

const resultsFile = ({ json }: Options): string => {
  // npm runs us in the root; a path that was given is meant from where the caller is.
  if (json !== null) return resolve(process.env.INIT_CWD ?? '.', json);
  const name = `${new Date().toISOString().replace(/[:.]/g, '-')}.json`;
  return fileURLToPath(new URL(`../results/${name}`, import.meta.url));
};

const writeResults = (file: string, options: Options, samples: readonly Sample[]): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ run: describeRun(options), options, samples }, null, 1)}\n`);
};

const tell = ({ round, name, perSecond, serverCpu, otherCpu, failures, streams }: Sample): void => {
  const failed = failures > 0 ? `, ${failures} FAILED of ${JSON.stringify(streams)}` : '';
  console.error(
    `round ${round}, ${name}: ${perSecond.toFixed(0)} per second, ${serverCpu.toFixed(0)} µs, other CPU ${otherCpu.toFixed(2)}${failed}`,
  );
};

/** Whether every sample was taken and nothing in it failed. */
const measure = async (cases: readonly Case[], options: Options): Promise<boolean> => {
  const subjects: [Case, Subject][] = [];
  for (const one of cases) subjects.push([one, await one.prepare()]);

  const file = resultsFile(options);
  const samples: Sample[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const [one, subject] of subjects) {
      try {
        const sample = await takeSample(one, subject, round, options);
        tell(sample);
        samples.push(sample);
        writeResults(file, options, samples);
      } catch (error) {
        console.error(`round ${round}, ${one.name}: NO SAMPLE:`, error);
      }
    }
  }
  const measured = cases.filter(({ name }) => samples.some((sample) => sample.name === name));
  console.log(`\n${describeRun(options)}\n\n${resultTable(measured, samples)}\n\n${goalTable(samples)}\n`);
  console.error(`Every sample: ${file}`);
  return (
    samples.length === subjects.length * options.rounds && samples.every(({ failures }) => failures === 0)
  );
};

const profile = async ([one]: readonly Case[], options: Options): Promise<void> => {
  if (!one) return;
  const report = await profileSubject(await one.prepare(), options);
  console.log(`\`${one.name}\` · ${describeRun({ ...options, rounds: 1 })}\n\n${report}`);
};

const main = async (): Promise<void> => {
  const options = readOptions(args);
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const sites = new Sites();
  const all = createCases(sites, options);
  try {
    if (options.profile !== null) {
      const name = options.profile;
      selectCases(all, [name]);
      await profile(
        all.filter((one) => one.name === name),
        options,
      );
    } else {
      const cases = options.cases === null ? all : selectCases(all, options.cases);
      if (!(await measure(cases, options))) {
        console.error('Some samples are missing or have failures: do not believe the table.');
        process.exitCode = 1;
      }
    }
  } finally {
    await sites.dispose();
  }
};

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
