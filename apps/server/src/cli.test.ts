import { describe, expect, it } from 'vitest';
import { readCommand } from './cli.ts';
import { parseOrganizationSet } from './commands/organization-set.ts';

describe('the command line', () => {
  it('reads what to set', () => {
    expect(parseOrganizationSet(['Acme', '--plan', 'enterprise'])).toEqual({
      name: 'Acme',
      change: { plan: 'enterprise' },
    });
    expect(parseOrganizationSet(['Acme Corp', '--requests-per-minute', '250'])).toEqual({
      name: 'Acme Corp',
      change: { requestsPerMinute: 250 },
    });
    expect(parseOrganizationSet(['--requests-per-minute=plan', '--plan=standard', 'Acme'])).toEqual({
      name: 'Acme',
      change: { plan: 'standard', requestsPerMinute: null },
    });
  });

  it.each([
    [['organization', '--requests-per-minute=plan', '--plan=standard', 'set', 'Acme']],
    [['keys', 'import', 'keys.jsonl', '--dry-run', '--report', 'rejected.jsonl']],
    [['keys', 'import', '--organization', 'Acme Corp', 'keys.jsonl']],
    [['scan', '.', '--no-history', '--exclude', 'a', '--exclude', 'b', '--json']],
    [['scan', '.', '--report', 'https://keys.example.com']],
    [['scan', '.', '--report', 'http://127.0.0.1:3000']],
  ])('understands %j', (args) => {
    expect(typeof readCommand(args)).toBe('function');
  });

  it('reads whether an organization runs the server', () => {
    for (const [text, operator] of [
      ['on', true],
      ['off', false],
    ] as const)
      expect(parseOrganizationSet(['Acme', '--operator', text])).toEqual({
        name: 'Acme',
        change: { operator },
      });
  });

  it('offers help', () => {
    for (const args of [[], ['--help'], ['-h'], ['organization', 'set', '--help']])
      expect(readCommand(args)).toBe('help');
  });

  it.each([
    [['keys', 'list'], 'No such command: keys list'],
    [['organization'], 'No such command'],
    [['organization', 'drop', 'Acme'], 'No such command'],
    [['organization', 'set'], 'Which organization'],
    [['organization', 'set', '--plan', 'standard'], 'Which organization'],
    [['organization', 'set', 'Acme'], 'What to set'],
    [['organization', 'set', 'Acme', 'Corp', '--plan', 'standard'], '"Acme Corp"'],
    [['organization', 'set', 'Acme', '--plan', 'gold'], 'standard or enterprise'],
    [['organization', 'set', 'Acme', '--plan'], '--plan'],
    [['organization', 'set', 'Acme', '--requests-per-minute', '0'], 'whole number'],
    [['organization', 'set', 'Acme', '--requests-per-minute', '1.5'], 'whole number'],
    [['organization', 'set', 'Acme', '--requests-per-minute=-1'], 'whole number'],
    [['organization', 'set', 'Acme', '--requests-per-minute', '1e3'], 'whole number'],
    [['organization', 'set', 'Acme', '--requests-per-minute', '99999999999'], 'whole number'],
    [['organization', 'set', 'Acme', '--requests-per-minute='], 'whole number'],
    [['organization', 'set', 'Acme', '--operator', 'yes'], 'on or off'],
    [['organization', 'set', 'Acme', '--operator'], '--operator'],
    [['organization', 'set', 'Acme', '--colour', 'red'], '--colour'],
    [['keys', 'import'], 'Which file'],
    [['keys', 'import', 'a', 'b'], 'one file'],
    [['keys', 'import', 'a', '--plan', 'standard'], '--plan'],
    [['scan'], 'Which files'],
    [['scan', 'a', 'b'], 'one PATH'],
    [['scan', '.', '--report', 'http://keys.example.com'], 'https'],
    [['scan', '.', '--report', 'nonsense'], 'https'],
  ])('refuses %j', (args, message) => {
    expect(() => readCommand(args)).toThrow(message);
  });
});
