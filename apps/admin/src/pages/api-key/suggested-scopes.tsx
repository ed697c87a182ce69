import { useQuery } from '@tanstack/react-query';
import { PERMISSION_TEXT, permissionWords } from '../../permissions.ts';
import { every } from '../../poll.ts';
import { type Key, type SuggestedScopes, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { MoreOptions } from '../../ui/choice.tsx';
import { dayOf, Time } from '../../ui/time.tsx';
import { narrowing, type ScopeProposal, usageText } from './scope-proposal.ts';

const POLL_MS = 10_000;

type SuggestedScopesCardProps = {
  apiKey: Key;
  /** `null`: they may not. */
  onNarrow: ((proposal: ScopeProposal) => void) | null;
};

/** What a key is used for, of all that it may do, and a way to take the rest away. */
export function SuggestedScopesCard({ apiKey, onNarrow }: SuggestedScopesCardProps) {
  const { data } = useQuery(
    trpc.keys.suggestScopes.queryOptions(
      { id: apiKey.id },
      { enabled: apiKey.status === 'active', refetchInterval: every(POLL_MS) },
    ),
  );
  // A key that was never used says nothing about what it needs.
  if (apiKey.status !== 'active' || !data?.observedSince) return null;
  const step = narrowing(apiKey, data);
  return (
    <Card
      title="What it uses"
      description={usageText(data, dayOf(data.observedSince))}
      actions={
        step &&
        onNarrow && (
          <Button size="small" onClick={() => onNarrow(step.proposal)}>
            {step.label}
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {step && (
          <p className="text-sm">
            Enough for what was seen: {permissionWords(step.proposal.scopes)}.{' '}
            {onNarrow && <span className="text-ink-muted">{step.hint}</span>}
          </p>
        )}
        {data.cautions.length > 0 && (
          <ul aria-label="Before you rely on it" className="list-disc pl-4 text-[0.8125rem] text-ink-muted">
            {data.cautions.map((caution) => (
              <li key={caution}>{caution}</li>
            ))}
          </ul>
        )}
        <MoreOptions label="Each permission and its last use">
          <Permissions permissions={data.permissions} />
        </MoreOptions>
      </div>
    </Card>
  );
}

function Permissions({ permissions }: Pick<SuggestedScopes, 'permissions'>) {
  return (
    <ul className="divide-y divide-line text-sm">
      {permissions.map(({ permission, lastUsedAt }) => (
        <li key={permission} className="flex flex-wrap justify-between gap-x-4 py-2 first:pt-0 last:pb-0">
          <span>
            {PERMISSION_TEXT[permission]}{' '}
            <code className="font-mono text-xs text-ink-muted">{permission}</code>
          </span>
          <span className="text-[0.8125rem] text-ink-muted">
            <Time at={lastUsedAt} never="not used" />
          </span>
        </li>
      ))}
    </ul>
  );
}
