import { useQuery } from '@tanstack/react-query';
import { Loaded } from '../../loaded.tsx';
import { useCan } from '../../session.tsx';
import { trpc } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { dayOf } from '../../ui/time.tsx';
import { NameForm } from './name-form.tsx';
import { PoliciesCard } from './policies-card.tsx';

const count = new Intl.NumberFormat('en');

export function OrganizationPage() {
  const mayWrite = useCan('organization:write');
  const organization = useQuery(trpc.organization.get.queryOptions());
  return (
    <>
      <PageHeader
        title="Organization"
        description="The plan of your organization, and what it demands of API keys."
      />
      <Loaded query={organization} label="Loading the organization" rows={3}>
        {({ id, name, plan, createdAt, limits, policies }) => (
          <Stack>
            <Card title="Plan and limits" description="Limits are per account, over all of its API keys.">
              <Facts
                rows={[
                  ['Name', name],
                  [
                    'Plan',
                    <Badge key="plan" tone="accent">
                      {plan === 'enterprise' ? 'Enterprise' : 'Standard'}
                    </Badge>,
                  ],
                  [
                    'Active API keys',
                    limits.activeKeys === null ? 'Unlimited' : `Up to ${limits.activeKeys}`,
                  ],
                  ['Requests', `${count.format(limits.requestsPerMinute)} per minute`],
                  ['Since', dayOf(createdAt)],
                  [
                    'Organization id',
                    <code key="id" className="font-mono text-[0.8125rem]">
                      {id}
                    </code>,
                  ],
                ]}
              />
            </Card>
            <PoliciesCard policies={policies} mayWrite={mayWrite} />
            {mayWrite && (
              <Card title="Name" description="What everyone in the organization sees.">
                <NameForm key={name} name={name} />
              </Card>
            )}
          </Stack>
        )}
      </Loaded>
    </>
  );
}
