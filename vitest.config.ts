import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './tooling/vitest/longest-first.ts';

/**
 * What uses no database, or an engine of its own, says nothing more on the server that `TEST_MONGODB_URI` names. Imports
 * take minutes end to end, and their stores are tested there. With `TEST_SHORT` whole processes are on trial there only
 * where a key's whole life is: what the others ask of a database, the units ask as well.
 */
const elsewhere = process.env.TEST_MONGODB_URI
  ? {
      unit: [
        'apps/admin/**',
        'packages/{api-key,client,core}/**',
        'packages/embedded-mongo/src/!(differential).test.ts',
        'packages/embedded-mongo/src/!(conformance)/**/*.test.ts',
      ],
      e2e: [
        'e2e/{admin*,import,limits,outage,overload,process-group,rolling-restart,workers}.test.ts',
        ...(process.env.TEST_SHORT ? ['e2e/!(guide|lifecycle|verify).test.ts'] : []),
      ],
    }
  : { unit: [], e2e: [] };

const resolve = { conditions: ['@kaana/source', 'node', 'import', 'module', 'default'] };
const ssr = { resolve: { conditions: resolve.conditions } };

export default defineConfig({
  test: {
    globalSetup: ['tooling/vitest/database.ts'],
    // Many files wait, for disks, processes and time-outs: one more than a small machine has cores keeps it busy.
    maxWorkers: Math.max(3, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, ...elsewhere.unit],
          // To load the modules costs more than most of these tests do: once for each worker, not for each file.
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...elsewhere.e2e, 'e2e/admin*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'browser',
          include: ['e2e/admin*.test.ts'],
          exclude: [...configDefaults.exclude, ...elsewhere.e2e],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          // A browser beside other tests on two cores misses a click now and then; what fails twice is ours.
          retry: 1,
        },
      },
      {
        resolve,
        ssr,
        test: { name: 'screenshots', include: ['e2e/**/*.shots.ts'], testTimeout: 600_000 },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'figures',
          include: ['e2e/**/*.figures.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
