import { configDefaults, defineConfig } from 'vitest/config';

/** What uses no database, or an engine of its own, says nothing more on the server that `TEST_MONGODB_URI` names. */
const elsewhere = process.env.TEST_MONGODB_URI
  ? {
      unit: [
        'apps/admin/**',
        'packages/{api-key,client,core}/**',
        'packages/embedded-mongo/src/!(differential).test.ts',
        'packages/embedded-mongo/src/!(conformance)/**/*.test.ts',
      ],
      e2e: ['e2e/{admin,limits,overload,rolling-restart,workers}.test.ts'],
    }
  : { unit: [], e2e: [] };

const resolve = { conditions: ['@kaana/source', 'node', 'import', 'module', 'default'] };
const ssr = { resolve: { conditions: resolve.conditions } };

export default defineConfig({
  test: {
    globalSetup: ['tooling/vitest/database.ts'],
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, ...elsewhere.unit],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...elsewhere.e2e],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Each starts real processes: one file at a time on a small machine.
          fileParallelism: false,
        },
      },
      {
        resolve,
        ssr,
        test: { name: 'screenshots', include: ['e2e/**/*.shots.ts'], testTimeout: 600_000 },
      },
    ],
  },
});
