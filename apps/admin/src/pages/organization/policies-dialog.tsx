import { useMutation } from '@tanstack/react-query';
import { queryClient } from '../../query-client.ts';
import { type Policies, type PolicyImpact, trpc } from '../../trpc.ts';
import { AlertDialog } from '../../ui/alert-dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import { toast } from '../../ui/toast.tsx';
import { useProblem } from '../../use-problem.ts';
import { AffectedKeys, PolicyImpactNotice } from './policy-impact.tsx';
import { policyChanges, standingRevocations } from './policy-text.ts';

type PoliciesDialogProps = {
  before: Policies;
  change: Partial<Policies>;
  impact: PolicyImpact;
  onClose: () => void;
  onSaved: (saved: Policies) => void;
};

/** The last look at new policies: what is different, and what becomes of the keys that are there. */
export function PoliciesDialog({ before, change, impact, onClose, onSaved }: PoliciesDialogProps) {
  const after = { ...before, ...change };
  const update = useMutation(
    trpc.organization.update.mutationOptions({
      onSuccess: (organization) => {
        queryClient.setQueryData(trpc.organization.get.queryKey(), organization);
        void queryClient.invalidateQueries(trpc.keys.pathFilter());
        onSaved(organization.policies);
        toast.success('The key policies are saved.');
        onClose();
      },
    }),
  );
  const standing = standingRevocations(before, after);
  const revokes = impact.revoked > 0 || standing.length > 0;
  return (
    <AlertDialog
      onClose={onClose}
      title="Save these key policies?"
      description="They hold from now on, on every server, for all keys of the organization."
      confirm={
        impact.revoked > 0
          ? `Save, and revoke ${impact.revoked} ${impact.revoked === 1 ? 'key' : 'keys'}`
          : 'Save policies'
      }
      danger={revokes}
      busy={update.isPending}
      problem={useProblem(update.error)}
      onConfirm={() => update.mutate({ policies: change })}
    >
      <dl className="divide-y divide-line rounded-lg border border-line px-3.5 text-[0.8125rem]">
        {policyChanges(before, after).map(({ term, from, to }) => (
          <div key={term} className="py-2.5">
            <dt className="text-ink-muted">{term}</dt>
            <dd className="wrap-anywhere">
              <span className="text-ink-muted line-through">{from}</span>{' '}
              <span className="font-medium">{to}</span>
            </dd>
          </div>
        ))}
      </dl>
      <PolicyImpactNotice impact={impact} />
      {standing.map((text) => (
        <Notice key={text} tone="warning">
          <p>{text}</p>
        </Notice>
      ))}
      <AffectedKeys impact={impact} />
    </AlertDialog>
  );
}
