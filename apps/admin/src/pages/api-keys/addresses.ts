import { fieldError, type Problem } from '../../problem.ts';

/** A list of addresses as people type it. */
export const entries = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** Names the entry that is not an address; the list's own errors stay as they are. */
export const addressError = (problem: Problem | null, addresses: readonly string[]): string | undefined => {
  const row = problem?.errors.find(({ path }) => /^allowedIps\.\d+$/.test(path));
  const address = row && addresses[Number(row.path.split('.')[1])];
  return address ? `“${address}” is not an IP address or a CIDR range.` : fieldError(problem, 'allowedIps');
};
