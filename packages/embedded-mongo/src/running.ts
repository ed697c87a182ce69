import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { encode } from './values/codec.ts';
import { encodeMessage, FrameReader } from './wire/frame.ts';
import { readMessage } from './wire/message.ts';

/** What `engine.json` in a data folder says. */
interface EngineRecord {
  pid: number;
  port: number;
  uri: string;
  instance: string;
}

const PATIENCE_MS = 2000;

/**
 * The engine that runs on a data folder, or null. The record is not believed: whoever listens on its port is
 * asked for the instance, so a record that a crash left, or a port that somebody else has now, is no engine.
 */
export async function findRunningEngine(dataDir: string): Promise<{ uri: string; pid: number } | null> {
  const record = readRecord(join(resolve(dataDir), 'engine.json'));
  if (!record) return null;
  const instance = await askInstance(record.port).catch(() => undefined);
  return instance === record.instance ? { uri: record.uri, pid: record.pid } : null;
}

function readRecord(path: string): EngineRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as EngineRecord;
    return Number.isInteger(record.port) && typeof record.instance === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

function askInstance(port: number): Promise<unknown> {
  return new Promise((done, fail) => {
    const reader = new FrameReader();
    const socket = connect({ host: '127.0.0.1', port, timeout: PATIENCE_MS });
    const end = (result: unknown): void => {
      socket.destroy();
      done(result);
    };
    socket.on('error', fail);
    socket.on('timeout', () => end(undefined));
    socket.on('close', () => done(undefined));
    socket.on('connect', () => socket.write(encodeMessage(0, encode({ serverStatus: 1, $db: 'admin' }))));
    socket.on('data', (chunk) => {
      try {
        const [frame] = reader.push(chunk);
        if (frame) end(readMessage(frame.body).body.instance);
      } catch {
        end(undefined);
      }
    });
  });
}
