import { redactTokens } from '@kaana/api-key';
import { type Logger, pino } from 'pino';
import type { Environment } from '../environment.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The log. Not Fastify's own, which makes a child logger and two listeners for every request, whether anything is
     * logged or not.
     */
    readonly logger: Logger;
  }
}

export type LogTarget = { write(line: string): void };

/** Nothing that looks like a token reaches the log, wherever it stood. */
export const createLogger = (level: Environment['logLevel'], target: LogTarget): Logger =>
  pino({ level }, { write: (line) => target.write(redactTokens(line)) });
