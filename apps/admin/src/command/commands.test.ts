import { describe, expect, it } from 'vitest';
import { COMMANDS, matches } from './commands.tsx';

const found = (typed: string) => COMMANDS.filter((command) => matches(command, typed)).map(({ id }) => id);

describe('the command palette', () => {
  it('finds a command by the beginnings of its words, in any order and case', () => {
    expect(found('create key')).toContain('create-key');
    expect(found('KEY cre')).toContain('create-key');
    expect(found('idle')).toEqual(['unused']);
    expect(found('password')).toEqual(['account']);
    expect(found('eate')).toEqual([]);
  });

  it('has every command while nothing is typed, and each once', () => {
    expect(found(' ')).toHaveLength(COMMANDS.length);
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });
});
