import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../trpc.ts';
import { toCsv, toJson } from './export.ts';

const event = (name: string): AuditEvent => ({
  id: 'evt_1',
  at: '2026-11-25T04:00:00.000Z',
  action: 'key.updated',
  actor: { type: 'account', id: 'acc_1', name: 'ada@acme.test', keyId: null },
  target: { type: 'key', id: 'key_1', name },
  changes: { name: { from: 'a', to: name } },
  requestId: 'r1',
  ip: null,
});

describe('an exported audit log', () => {
  it('has a header and a line for each event', () => {
    const [header, line, end] = toCsv([event('Nightly import')]).split('\r\n');
    expect(header?.split(',')[0]).toBe('at');
    expect(line).toBe(
      '2026-11-25T04:00:00.000Z,key.updated,ada@acme.test,acc_1,,key,key_1,Nightly import,"{""name"":{""from"":""a"",""to"":""Nightly import""}}",,r1,evt_1',
    );
    expect(end).toBe('');
  });

  it.each(['=HYPERLINK("http://evil")', '+1', '-1', '@SUM(A1)', '\tx'])(
    'gives a spreadsheet no formula: %s',
    (name) => {
      const line = toCsv([event(name)]);
      expect(line).not.toMatch(/(^|,)"?[=+@\t-]/m);
    },
  );

  it('is the same as JSON', () => {
    expect(JSON.parse(toJson([event('x')]))).toEqual([event('x')]);
  });
});
