import { defineConfig } from 'vitest/config';

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
