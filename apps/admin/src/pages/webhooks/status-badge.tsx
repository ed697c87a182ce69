import type { Webhook } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';

export function WebhookBadge({ webhook: { status, failingSince, disabledReason } }: { webhook: Webhook }) {
  if (status === 'disabled') {
    return (
      <Badge tone={disabledReason ? 'danger' : 'quiet'} dot>
        Disabled
      </Badge>
    );
  }
  return (
    <Badge tone={failingSince ? 'warn' : 'good'} dot>
      {failingSince ? 'Failing' : 'Active'}
    </Badge>
  );
}
