import { describe, expect, it } from 'vitest';
import { type Answer, type Call, call, fresh, keepAlive, verdict } from './call.ts';
import { ADMIN, type Created, FOUR, pick, setLimit, startFleet, UNLIMITED } from './fleet.ts';
import { type Line, openLine } from './line.ts';
import { createSharedSite, eventually } from './server.ts';
import { type Session, signIn } from './session.ts';
import { createVictim, type Kind, type Threat } from './threats.ts';

/** On another server than the embedded engine a quarter is enough: what is on trial are the processes. */
const SHARE = process.env.TEST_MONGODB_URI ? 4 : 1;
/** How often each, in all: 504 times, or 126. */
const REPETITIONS: Record<Kind, number> = {
  'revoke the key': 132 / SHARE,
  'rotate its secret out at once': 48 / SHARE,
  'end its rotation': 24 / SHARE,
  'use its new secret first': 24 / SHARE,
  'reach the end of the overlap': 36 / SHARE,
  'narrow the scopes': 96 / SHARE,
  'narrow the role': 72 / SHARE,
  'deactivate the account': 72 / SHARE,
};
const TOTAL = 504 / SHARE;
const LANES = 6;
/** How many of them one after the other, with nothing else to do. */
const AT_REST = 60 / SHARE;
/** For a machine that has other things to do as well; nothing is concluded from the time that it takes. */
const PATIENCE_MS = 420_000;
/** On how many of the four processes a key is in full use when it is taken away; the others have never seen it. */
const HOT = [4, 4, 2, 1, 0];

const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

/** A session that signs in once and speaks to any of the servers. */
const everywhere = async (urls: readonly string[], email: string): Promise<Session> => {
  const sessions = await Promise.all(urls.map((url) => signIn(url, email)));
  return {
    query: (procedure, input) => pick(sessions).query(procedure, input),
    mutate: (procedure, input) => pick(sessions).mutate(procedure, input),
  };
};

/** What must not be, told so that it can be looked into. */
const openLedger = () => {
  const violations: string[] = [];
  const counts = { before: 0, after: 0 };
  return {
    violations,
    counts,
    check: (answer: Answer, allowed: readonly string[], what: string, late: boolean) => {
      counts[late ? 'after' : 'before']++;
      const got = verdict(answer);
      if (!allowed.includes(got)) {
        violations.push(`${what}, ${late ? 'after' : 'before'} the acknowledgement: ${got}`);
      }
    },
  };
};

describe('what was taken away', { timeout: PATIENCE_MS }, () => {
  it('is served by no process to any request that begins after the acknowledgement, hundreds of times, at rest and under full load', async ({
    annotate,
  }) => {
    await using fleet = await startFleet(FOUR);
    const { urls } = fleet;
    await setLimit(fleet.site, 'Globex', UNLIMITED);
    const admin = await everywhere(urls, ADMIN);
    const { token: verifier } = await admin.mutate<Created>('keys.create', { name: 'verifier' });
    const agent = keepAlive();
    const ledger = openLedger();

    const verify = async (url: string, { token, permission, kind, refused }: Threat) => {
      const body = { token, permissions: [permission] };
      const answer = await call(agent, url, '/api/keys/verify', { method: 'POST', token: verifier, body });
      const { valid, code } = JSON.parse(answer.text) as { valid: boolean; code: string };
      ledger.counts.after++;
      if (valid || !refused.endsWith(code)) ledger.violations.push(`${kind}: verified as ${code}`);
    };

    const repeat = async (threat: Threat, hotOn: number) => {
      const order = shuffled(urls);
      const hot = order.slice(0, hotOn);
      const either = [threat.served, threat.refused];
      let acknowledged = false;
      let done = false;
      const send = ({ path, ...options }: { path: string } & Call, url: string, connections = agent) =>
        call(connections, url, path, options);

      const hammer = async (url: string, warm: () => void) => {
        for (let count = 0; !done; count++) {
          const late = acknowledged;
          const answer = await send(threat.rest, url);
          const allowed = count === 0 ? [threat.served] : late ? [threat.refused] : either;
          ledger.check(answer, allowed, `${threat.kind}, in use on ${hotOn}`, late);
          warm();
        }
      };
      const hammers: Promise<void>[] = [];
      await Promise.all(hot.map((url) => new Promise<void>((warm) => hammers.push(hammer(url, warm)))));
      const kept = await threat.take();
      acknowledged = true;
      const refused = [threat.refused];
      await Promise.all([
        ...order.flatMap((url, index) => {
          const where = `${threat.kind}, ${index < hotOn ? 'in use' : 'not yet seen'} on the process`;
          return [
            send(threat.rest, url).then((answer) => ledger.check(answer, refused, where, true)),
            send(threat.rest, url, fresh).then((answer) =>
              ledger.check(answer, refused, `${where}, on a new connection`, true),
            ),
          ];
        }),
        send(threat.trpc, pick(hot.length > 0 ? hot : urls)).then((answer) =>
          ledger.check(answer, refused, `${threat.kind}, over tRPC`, true),
        ),
        send(kept, pick(urls)).then((answer) =>
          ledger.check(answer, ['200'], `${threat.kind}, and what is kept`, true),
        ),
        verify(pick(urls), threat),
      ]);
      done = true;
      await Promise.all(hammers);
      await threat.restore();
    };

    const queue = shuffled(
      Object.entries(REPETITIONS).flatMap(([kind, count]) =>
        Array.from({ length: count }, () => kind as Kind),
      ),
    );
    let repetitions = 0;
    const run = async (until: number) => {
      const victim = await createVictim(admin, urls);
      while (queue.length > until) {
        const kind = queue.pop();
        if (kind) await repeat(await victim.threat(kind), HOT[repetitions++ % HOT.length] ?? 0);
      }
    };
    // At rest first: nothing is slow then, and the acknowledgement follows its write most closely.
    await run(queue.length - AT_REST);

    // Then with everything else that the processes may have to do meanwhile.
    const others = await Promise.all(
      urls.map(() => admin.mutate<Created>('keys.create', { name: 'others' })),
    );
    let over = false;
    const background = urls.map(async (url) => {
      for (let count = 0; !over; count++) {
        const token = others[count % others.length]?.token ?? '';
        ledger.check(await call(agent, url, '/api/user', { token }), ['200'], 'others', false);
      }
    });
    try {
      await Promise.all(Array.from({ length: LANES }, () => run(0)));
    } finally {
      over = true;
      await Promise.allSettled(background);
    }
    await Promise.all(background);
    await annotate(
      `${repetitions} repetitions, ${ledger.counts.after} requests after the acknowledgement, ${ledger.counts.before} before`,
    );
    expect(ledger.violations).toEqual([]);
    expect(repetitions).toBe(TOTAL);
  });

  it('is not served by a look-up that had been sent before, and whose answer comes after the acknowledgement', async ({
    annotate,
  }) => {
    await using site = await createSharedSite();
    const { MONGODB_URI: uri = '' } = site.environment;
    await using first = await openLine(uri);
    await using second = await openLine(uri);
    await using third = await openLine(uri);
    const lines = [first, second, third];
    await using fleet = await startFleet(
      [{}, ...lines.map((line) => ({ MONGODB_URI: line.uriOf(uri) }))],
      site,
    );
    const [direct = '', ...slow] = fleet.urls;
    await setLimit(site, 'Globex', UNLIMITED);
    const admin = await signIn(direct, ADMIN);
    const agent = keepAlive();
    const ledger = openLedger();
    let repetitions = 0;

    const repeat = async (threat: Threat, url: string, line: Line, pass: number) => {
      const send = (connections = agent) => {
        const { path, ...options } = threat.rest;
        return call(connections, url, path, options);
      };
      // A process has read what was sent to it once it has answered what was sent later.
      const hasRead = async () => {
        for (let count = 0; count < 3; count++) await call(fresh, url, '/healthz');
      };
      const what = `${threat.kind}, answers held back after ${pass}`;
      ledger.check(await send(), [threat.served], what, false);
      line.holdAnswers(pass);
      const early = [send(), send(), send(fresh)];
      await eventually(() => Promise.resolve(line.held > 0));
      await hasRead();
      await threat.take();
      const late = [send(), send(), send(fresh)];
      await hasRead();
      await line.mend();
      for (const answer of await Promise.all(early)) {
        ledger.check(answer, [threat.served, threat.refused], what, false);
      }
      for (const answer of await Promise.all(late)) ledger.check(answer, [threat.refused], what, true);
      await threat.restore();
      repetitions++;
    };

    await Promise.all(
      slow.map(async (url, index) => {
        const victim = await createVictim(admin, [direct]);
        const line = lines[index];
        if (!line) throw new Error('each slow server has its line');
        for (const pass of [0, 1, 2, 3]) {
          for (const kind of Object.keys(REPETITIONS) as Kind[]) {
            if (kind === 'reach the end of the overlap') continue;
            await repeat(await victim.threat(kind), url, line, pass);
          }
        }
      }),
    );
    await annotate(`${repetitions} repetitions, ${ledger.counts.after} requests after the acknowledgement`);
    expect(ledger.violations).toEqual([]);
    expect(repetitions).toBe(84);
  });
});
