import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type {} from '../../packages/db/src/testing/index.ts';
import { startEmbeddedMongo } from '../../packages/embedded-mongo/src/index.ts';

/** One database server for the whole run: the one of TEST_MONGODB_URI, or else an embedded engine in a new folder. */
export const setup = async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const given = process.env.TEST_MONGODB_URI;
  if (given) {
    project.provide('mongodbUri', given);
    return undefined;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'kaana-test-'));
  const engine = await startEmbeddedMongo({ dataDir });
  project.provide('mongodbUri', engine.uri);
  return async () => {
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
};
