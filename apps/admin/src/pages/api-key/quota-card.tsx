import { useUser } from '../../session.tsx';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { Meter } from '../../ui/meter.tsx';
import { exactTime } from '../../ui/time.tsx';
import { refillText } from '../limits/credit-draft.ts';
import { LimitList } from '../limits/limit-list.tsx';

const number = new Intl.NumberFormat('en');

function Balance({ credits: { remaining, refill } }: { credits: NonNullable<Key['credits']> }) {
  const left = `${number.format(remaining)} left`;
  if (!refill || remaining > refill.amount) return left;
  const spent = refill.amount - remaining;
  return (
    <Meter
      label={left}
      value={spent}
      max={refill.amount}
      text={`${number.format(spent)} of ${number.format(refill.amount)} spent`}
    />
  );
}

type QuotaCardProps = {
  apiKey: Key;
  /** `null`: they may not. */
  onChange: ((what: 'limits' | 'credits') => void) | null;
};

/** How many requests a key may make, beside what the plan allows. */
export function QuotaCard({ apiKey: { limits, credits }, onChange }: QuotaCardProps) {
  const { role } = useUser();
  return (
    <Card
      title="Request limits and credits"
      description="Beside the limit of the plan, which all keys of an account share."
      actions={
        onChange && (
          <div className="flex flex-wrap gap-2">
            <Button size="small" onClick={() => onChange('limits')}>
              Set request limits
            </Button>
            {role === 'admin' && (
              <Button size="small" onClick={() => onChange('credits')}>
                {credits ? 'Change credits' : 'Give credits'}
              </Button>
            )}
          </div>
        )
      }
    >
      <Facts
        rows={[
          [
            'Request limits',
            limits.length > 0 ? <LimitList key="limits" limits={limits} /> : 'None of its own',
          ],
          ['Credits', credits ? <Balance key="credits" credits={credits} /> : 'Requests cost none'],
          ...(credits
            ? [
                [
                  'Refill',
                  credits.refill
                    ? `${refillText(credits.refill)}${credits.refillsAt ? `, next ${exactTime(credits.refillsAt)}` : ''}`
                    : 'Never',
                ] as const,
              ]
            : []),
        ]}
      />
    </Card>
  );
}
