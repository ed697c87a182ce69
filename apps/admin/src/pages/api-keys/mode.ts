import type { Key } from '../../trpc.ts';

export type Mode = Key['scopesMode'];

/** What becomes of a list: a new one is best tried before it refuses anything. */
export const MODES = [
  { value: 'enforce', label: 'Refuse what is beyond it' },
  { value: 'report', label: 'Only report what it would refuse' },
  { value: 'off', label: 'Do nothing with it for now' },
] as const satisfies readonly { value: Mode; label: string }[];

const SHORT: Readonly<Record<Mode, string | null>> = {
  enforce: null,
  report: 'reported, not refused',
  off: 'switched off',
};

/** Said beside a list that refuses nothing. */
export const modeText = (mode: Mode): string | null => SHORT[mode];
