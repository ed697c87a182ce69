export const EXPIRIES = [
  { value: 'never', label: 'Never' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: 'custom', label: 'On a date…' },
] as const;
export type Expiry = (typeof EXPIRIES)[number]['value'];

const DAY_MS = 24 * 3600 * 1000;

/** When a key made now expires; a date means the end of that day, where the person is. `undefined`: never. */
export const expiresAt = (expiry: Expiry, date: string, now: number): string | undefined => {
  if (expiry === 'never') return undefined;
  if (expiry !== 'custom') return new Date(now + Number(expiry) * DAY_MS).toISOString();
  const end = new Date(`${date}T23:59:59`);
  return Number.isNaN(end.getTime()) ? undefined : end.toISOString();
};

/** The date where the person is, as a date input has it. */
export const today = (now: number): string => {
  const at = new Date(now);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};
