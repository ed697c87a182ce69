import { describe, expect, it } from 'vitest';
import { type Answer, call, failureOf, keepAlive, verdict } from './call.ts';
import { type OwnDatabase, startOwnDatabase } from './database.ts';
import { ADMIN, type Created, pick, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { type Line, openLine } from './line.ts';
import { createSharedSite, createSite, eventually } from './server.ts';
import { type Session, signIn } from './session.ts';

/** An answer that takes longer counts as none. The database's time-outs add up to about 10 seconds; the rest is for a machine that is busy. */
const HANG_MS = 60_000;
const PATIENCE_MS = 420_000;

type Outage = {
  readonly name: string;
  /** Whether all servers lose the database, or only those behind the line. */
  readonly hits: 'all' | 'behind the line';
  begin(): void | Promise<void>;
  end(): void | Promise<void>;
};

const outagesOf = (database: OwnDatabase | undefined, line: Line): Outage[] => [
  {
    name: 'the line is cut',
    hits: 'behind the line',
    begin: () => line.cut(),
    end: () => line.mend(),
  },
  {
    name: 'the line is dead, and nobody says so',
    hits: 'behind the line',
    begin: () => line.stall(),
    end: () => line.mend(),
  },
  ...(database
    ? ([
        { name: 'it is killed', hits: 'all', begin: () => database.kill(), end: () => database.restart() },
        { name: 'it is frozen', hits: 'all', begin: () => database.freeze(), end: () => database.thaw() },
      ] as const)
    : []),
];

/** A key on its way out: once its revocation is acknowledged, nobody may be served with it. */
type Doomed = Created & { acknowledged: boolean };

const isPatient = (answer: Answer): boolean =>
  ['503 store_unavailable', '503 overloaded'].includes(verdict(answer)) &&
  Number(answer.headers['retry-after']) >= 1;

describe('while the database is away from four processes under load', { timeout: PATIENCE_MS }, () => {
  it('every answer is 200 or 503, none hangs, a revoked key stays revoked, and service resumes by itself', async ({
    annotate,
  }) => {
    await using database = process.env.TEST_MONGODB_URI ? undefined : await startOwnDatabase();
    await using site = database
      ? await createSite({ MONGODB_URI: `${database.uri}/kaana` })
      : await createSharedSite();
    const { MONGODB_URI: uri = '' } = site.environment;
    await using line = await openLine(uri);
    const behind = { MONGODB_URI: line.uriOf(uri), LOG_LEVEL: 'silent' };
    const direct = { LOG_LEVEL: 'silent' };
    await using fleet = await startFleet([direct, direct, behind, behind], site);
    const { urls, servers } = fleet;
    await setLimit(site, 'Globex', UNLIMITED);
    const sessions = await Promise.all(urls.map((url) => signIn(url, ADMIN)));
    const admin: Session = sessions[0] ?? pick(sessions);
    const { token } = await admin.mutate<Created>('keys.create', { name: 'goes on' });

    const violations: string[] = [];
    /** By server: what was answered to requests that began in the present phase. */
    let seen = urls.map(() => ({ served: 0, refused: 0 }));
    let phase = 'before';
    let doomed: readonly Doomed[] = [];
    let over = false;
    const totals = { served: 0, refused: 0 };

    const caller = async (url: string, index: number, chooseDoomed: boolean) => {
      const agent = keepAlive();
      while (!over) {
        const counts = seen[index];
        const target = chooseDoomed && doomed.length > 0 ? pick(doomed) : undefined;
        const late = target?.acknowledged;
        const where = `${phase}, server ${index}`;
        try {
          const answer = await call(agent, url, '/api/user', {
            token: target?.token ?? token,
            timeoutMs: HANG_MS,
          });
          const patient = isPatient(answer);
          if (patient) totals.refused++;
          else if (answer.status === 200) totals.served++;
          const allowed =
            // On a machine that is busy enough, a database that is there may be silent for too long as well.
            patient ||
            (answer.status === 200 && !late) ||
            (target !== undefined && verdict(answer) === '401 key_revoked');
          if (!allowed) {
            violations.push(
              `${where}: ${verdict(answer)}${target ? `, with a key ${late ? 'revoked' : 'being revoked'}` : ''}`,
            );
          }
          if (counts && patient) counts.refused++;
          if (counts && answer.status === 200) counts.served++;
        } catch (error) {
          violations.push(`${where}: ${failureOf(error).code}`);
        }
      }
    };
    const callers = Promise.all(
      urls.flatMap((url, index) => [false, false, true].map((doomed) => caller(url, index, doomed))),
    );
    const enter = (next: string) => {
      phase = next;
      seen = urls.map(() => ({ served: 0, refused: 0 }));
    };
    /** Waits for what must come, or for the first thing that must not. */
    const until = (holds: () => boolean) => eventually(async () => violations.length > 0 || holds());
    /** Asks until it is acknowledged, as any client would. */
    const revoke = async (key: Doomed) => {
      for (;;) {
        const outcome = await pick(sessions)
          .mutate('keys.revoke', { id: key.key.id })
          .then(
            () => 'revoked',
            (error: { status?: number; code?: string }) => `${error.status} ${error.code}`,
          );
        if (outcome === 'revoked' || outcome === '409 already_revoked') break;
        if (!outcome.startsWith('503 ')) violations.push(`${phase}: keys.revoke was answered ${outcome}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      key.acknowledged = true;
    };

    for (const outage of outagesOf(database, line)) {
      if (violations.length > 0) break;
      const affected = urls.filter((_, index) => outage.hits === 'all' || index >= 2);
      const isAffected = (index: number) => affected.includes(urls[index] ?? '');
      const [before, during] = await Promise.all(
        ['before', 'during'].map(async (name) => ({
          ...(await admin.mutate<Created>('keys.create', { name })),
          acknowledged: false,
        })),
      );
      if (!before || !during) throw new Error('two keys were made');
      doomed = [before, during];
      enter(`before ${outage.name}`);
      await until(() => seen.every(({ served }) => served >= 2));
      await revoke(before);
      enter(`while ${outage.name}`);
      await outage.begin();
      const revoking = revoke(during);
      await until(() => seen.every(({ refused }, index) => refused > 0 || !isAffected(index)));
      await outage.end();
      enter(`after ${outage.name}`);
      await until(() => seen.every(({ served }) => served >= 5));
      await revoking;
      enter(`after ${outage.name}, all revoked`);
      await until(() => seen.every(({ served }) => served >= 5));
    }
    over = true;
    await callers;
    await annotate(`${totals.served} served, ${totals.refused} refused with 503`);
    expect([...new Set(violations)]).toEqual([]);
    // The same processes as at the beginning.
    for (const { pid } of servers) expect(() => process.kill(pid, 0)).not.toThrow();
  });
});
