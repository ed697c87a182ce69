import { Check, Hourglass } from 'lucide-react';
import type { Key } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { exactTime, Time, useNow } from '../../ui/time.tsx';
import { KeyStart } from '../api-keys/key-start.tsx';
import { duration, oldSecret, type Secret } from '../api-keys/rotation.ts';
import { RotationActions } from './rotation-actions.tsx';

/** The secrets of a key, which are two while it is being rotated; what is seen here is never older than a few seconds. */
export function Secrets({ apiKey, onRotate }: { apiKey: Key; onRotate: (() => void) | null }) {
  const now = useNow();
  const [newest] = apiKey.secrets;
  const old = oldSecret(apiKey, now);
  return (
    <Card
      title={old ? 'Rotation in progress' : 'Secret'}
      description={
        old
          ? 'Both secrets work. Once the old one is no longer used, nothing depends on it.'
          : 'Rotating gives the key a new secret; the old one goes on working for a while.'
      }
      actions={
        onRotate &&
        (old ? (
          <RotationActions apiKey={apiKey} old={old} />
        ) : (
          <Button size="small" onClick={onRotate}>
            Rotate
          </Button>
        ))
      }
    >
      <ul className="grid gap-3 sm:grid-cols-2">
        {newest && <OneSecret label={old ? 'New secret' : 'Secret'} secret={newest} />}
        {old && <OneSecret label="Old secret" secret={old} />}
      </ul>
      {old && newest && <Progress newest={newest} old={old} />}
    </Card>
  );
}

function OneSecret({ label, secret }: { label: string; secret: Secret }) {
  return (
    <li className="rounded-lg border border-line px-4 py-3">
      <p className="flex items-center justify-between gap-2 text-[0.8125rem] font-medium">
        {label}
        <End of={secret} />
      </p>
      <p className="mt-1">
        <KeyStart start={secret.start} />
      </p>
      <p className="mt-1 text-[0.8125rem] text-ink-muted">
        Made {exactTime(secret.createdAt)}
        <br />
        Last used <Time at={secret.lastUsedAt} never="never" />
        {secret.lastUsedUserAgent && (
          <>
            {' '}
            by <span title={secret.lastUsedUserAgent}>{shortAgent(secret.lastUsedUserAgent)}</span>
          </>
        )}
        {secret.lastUsedIp && ` from ${secret.lastUsedIp}`}
      </p>
    </li>
  );
}

/** When a secret stops, where that is before its key does. */
function End({ of: { expiresAt, expiresAfterFirstUseSeconds } }: { of: Secret }) {
  if (expiresAfterFirstUseSeconds !== null) {
    return (
      <Badge tone="warn">
        {expiresAfterFirstUseSeconds === 0
          ? 'Stops when the new one is used'
          : `Stops ${duration(expiresAfterFirstUseSeconds)} after the new one is used`}
      </Badge>
    );
  }
  if (expiresAt === null) return null;
  return (
    <Badge tone="warn">
      <span>
        Stops <Time at={expiresAt} />
      </span>
    </Badge>
  );
}

/** Whether the callers have moved over. */
function Progress({ newest, old }: { newest: Secret; old: Secret }) {
  const moved = newest.lastUsedAt !== null && (old.lastUsedAt === null || old.lastUsedAt < newest.lastUsedAt);
  const Icon = moved ? Check : Hourglass;
  return (
    <p role="status" className="mt-4 flex items-start gap-2 text-[0.8125rem] text-ink-muted">
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span>
        {newest.unused || newest.lastUsedAt === null
          ? 'Nobody has used the new secret yet.'
          : moved
            ? 'The new secret was used after the old one.'
            : 'Both are in use: some callers still have the old secret.'}
      </span>
    </p>
  );
}
