export function findBrowser(): string | null;
export function installBrowser(
  run: (command: string, args: string[], env?: Record<string, string>) => void,
  fail: (text: string) => never,
): void;
