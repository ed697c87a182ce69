import type { KeyStatus } from '../../trpc.ts';
import { Badge } from '../../ui/badge.tsx';

const LOOK = {
  active: { label: 'Active', tone: 'good' },
  revoked: { label: 'Revoked', tone: 'danger' },
  expired: { label: 'Expired', tone: 'quiet' },
} as const satisfies Record<KeyStatus, { label: string; tone: string }>;

export function StatusBadge({ status }: { status: KeyStatus }) {
  const { label, tone } = LOOK[status];
  return (
    <Badge tone={tone} dot>
      {label}
    </Badge>
  );
}
