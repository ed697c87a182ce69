/** The first characters of a token, which tell keys apart. */
export function KeyStart({ start }: { start: string }) {
  return <code className="font-mono text-[0.8125rem] whitespace-nowrap">{start}…</code>;
}
