import type { AuditEvent } from '../../trpc.ts';
import { exactTime } from '../../ui/time.tsx';

const NONE = 'none';
const TIMESTAMP = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const words = (field: string) => field.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);

const text = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return NONE;
  if (typeof value === 'string') return TIMESTAMP.test(value) ? exactTime(value) : value;
  if (typeof value !== 'object') return String(value);
  if (!Array.isArray(value)) {
    return Object.entries(value)
      .map(([field, each]) => `${words(field)} ${text(each)}`)
      .join(', ');
  }
  return value.map(text).join(value.some((each) => typeof each === 'object') ? '; ' : ', ');
};

/** What was, and what is: field by field. Fields that were empty and stayed so say nothing. */
export function Changes({ changes }: { changes: AuditEvent['changes'] }) {
  const rows = Object.entries(changes).filter(([, { from, to }]) => text(from) !== text(to));
  if (rows.length === 0) return <span className="text-ink-muted">–</span>;
  return (
    <ul className="flex max-w-sm flex-col gap-1 text-[0.8125rem]">
      {rows.map(([field, { from, to }]) => (
        <li key={field} className="wrap-anywhere">
          <span className="text-ink-muted">{words(field)}: </span>
          {text(from) !== NONE && (
            <>
              <del className="rounded bg-danger-soft px-1 text-danger-ink no-underline">
                <span className="sr-only">before </span>
                {text(from)}
              </del>
              <span aria-hidden className="text-ink-muted">
                {' → '}
              </span>
            </>
          )}
          <ins className="rounded bg-good-soft px-1 text-good-ink no-underline">
            <span className="sr-only">after </span>
            {text(to)}
          </ins>
        </li>
      ))}
    </ul>
  );
}
