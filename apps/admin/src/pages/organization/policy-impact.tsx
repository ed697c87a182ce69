import type { PolicyImpact } from '../../trpc.ts';
import { Notice } from '../../ui/notice.tsx';
import { KeyStart } from '../api-keys/key-start.tsx';
import { impactLines, reasonTexts } from './policy-text.ts';

const number = new Intl.NumberFormat('en');

/** How many keys a change of policies hits, and how. */
export function PolicyImpactNotice({ impact }: { impact: PolicyImpact }) {
  const { checkedKeys, complete, revoked } = impact;
  const lines = impactLines(impact);
  const looked = complete
    ? `${number.format(checkedKeys)} active ${checkedKeys === 1 ? 'key was' : 'keys were'} looked at.`
    : `Only the newest ${number.format(checkedKeys)} active keys were looked at: there may be more.`;
  if (lines.length === 0) {
    return (
      <Notice title="No key that is there is affected">
        <p>{looked}</p>
      </Notice>
    );
  }
  return (
    <Notice tone={revoked > 0 ? 'danger' : 'warning'} title="What this does to keys that are there">
      <ul className="list-disc pl-4">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p className="mt-1">{looked}</p>
    </Notice>
  );
}

/** A few of them by name, and why. */
export function AffectedKeys({ impact: { examples } }: { impact: PolicyImpact }) {
  if (examples.length === 0) return null;
  return (
    <div>
      <h3 className="mb-2 text-[0.8125rem] font-medium">For example</h3>
      <ul aria-label="Keys that are affected" className="divide-y divide-line text-[0.8125rem]">
        {examples.map((example) => (
          <li key={example.id} className="py-2 first:pt-0 last:pb-0 wrap-anywhere">
            <span className="font-medium">{example.name}</span>{' '}
            {example.start && <KeyStart start={example.start} small />}
            <span className="block text-ink-muted">
              of {example.owner.name}: {reasonTexts(example).join('; ')}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
