import { useState } from 'react';
import { fieldError, type Problem } from '../../problem.ts';
import { useUser } from '../../session.tsx';
import type { Inputs } from '../../trpc.ts';
import { MoreOptions } from '../../ui/choice.tsx';
import { type CreditErrors, readCredits, toCreditDraft } from '../limits/credit-draft.ts';
import { CreditFields } from '../limits/credit-fields.tsx';
import { type LimitDraft, readLimits } from '../limits/limit-draft.ts';
import { LimitFields } from '../limits/limit-fields.tsx';

type NewQuota = Pick<Inputs['keys']['create'], 'limits' | 'credits'>;

/** Limits and credits of a key that is about to be made. */
export const useNewQuota = () => {
  const [limits, setLimits] = useState<readonly LimitDraft[]>([]);
  const [credits, setCredits] = useState(() => toCreditDraft(null));
  const [checked, setChecked] = useState(false);
  const [errors, setErrors] = useState<CreditErrors>({});
  /** `null`: something is wrong, and is shown now. */
  const read = (): NewQuota | null => {
    setChecked(true);
    const wanted = readLimits(limits);
    const { change, errors: wrong } = readCredits(credits);
    setErrors(wrong);
    if (!wanted || Object.keys(wrong).length > 0) return null;
    const { remaining, refill } = change ?? {};
    return {
      ...(wanted.length > 0 ? { limits: wanted } : {}),
      ...(typeof remaining === 'number' ? { credits: { remaining, ...(refill ? { refill } : {}) } } : {}),
    };
  };
  return { limits, setLimits, credits, setCredits, checked, errors, read };
};

type NewQuotaFieldsProps = { quota: ReturnType<typeof useNewQuota>; problem: Problem | null };

export function NewQuotaFields({ quota, problem }: NewQuotaFieldsProps) {
  const { role } = useUser();
  return (
    <MoreOptions label={role === 'admin' ? 'Request limits and credits' : 'Request limits'}>
      <LimitFields
        limits={quota.limits}
        onChange={quota.setLimits}
        checked={quota.checked}
        error={fieldError(problem, 'limits')}
      />
      {role === 'admin' && (
        <CreditFields
          draft={quota.credits}
          onChange={quota.setCredits}
          metered={false}
          errors={quota.errors}
        />
      )}
    </MoreOptions>
  );
}
