import type { Policies } from '../../trpc.ts';
import { Card, Facts } from '../../ui/card.tsx';
import { PoliciesForm } from './policies-form.tsx';
import { policyRows } from './policy-text.ts';

/** What the organization demands of its keys: for admins to change, for everybody else to read. */
export function PoliciesCard({ policies, mayWrite }: { policies: Policies; mayWrite: boolean }) {
  return (
    <Card
      title="Key policies"
      description={
        mayWrite
          ? 'For all API keys of the organization. Before anything is saved you see what it would do to the keys that are there.'
          : 'For all API keys of the organization. Admins can change them.'
      }
    >
      {mayWrite ? <PoliciesForm policies={policies} /> : <Facts rows={policyRows(policies)} />}
    </Card>
  );
}
