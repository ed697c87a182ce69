import type { Key } from '../../trpc.ts';
import { shortAgent } from '../../ui/agent.ts';
import { Notice } from '../../ui/notice.tsx';
import { Time, useNow } from '../../ui/time.tsx';
import { verdictOf } from '../api-keys/use-of-key.ts';

function LastCaller({ apiKey }: { apiKey: Key }) {
  const caller = apiKey.lastUsedUserAgent && shortAgent(apiKey.lastUsedUserAgent);
  return (
    <>
      Last used <Time at={apiKey.lastUsedAt} />
      {caller && (
        <>
          {' '}
          by <span title={apiKey.lastUsedUserAgent ?? ''}>{caller}</span>
        </>
      )}
      {apiKey.lastUsedIp && ` from ${apiKey.lastUsedIp}`}
    </>
  );
}

/** The question that brings people here: who uses this key, and what happens when it is gone? */
export function Safety({ apiKey }: { apiKey: Key }) {
  const verdict = verdictOf(apiKey, useNow());
  if (apiKey.leakedAt) {
    return (
      <Notice tone="danger" role="alert" title="This key was found in public">
        <p>
          It was reported <Time at={apiKey.leakedAt} />
          {apiKey.leakSource?.url && ` at ${apiKey.leakSource.url}`}
          {apiKey.status === 'revoked' ? ', and is revoked. ' : '. '}
          <LastCaller apiKey={apiKey} />. Look through its usage and history for what you do not know.
        </p>
      </Notice>
    );
  }
  if (apiKey.status === 'revoked') {
    return (
      <Notice title="This key is revoked">
        <p>
          No request with it is served since <Time at={apiKey.revokedAt} />
          {apiKey.revokedReason && ` (${apiKey.revokedReason})`}. That is final.{' '}
          <LastCaller apiKey={apiKey} />.
        </p>
      </Notice>
    );
  }
  if (apiKey.status === 'expired') {
    return (
      <Notice title="This key has expired">
        <p>
          No request with it is served since <Time at={apiKey.expiresAt} />. <LastCaller apiKey={apiKey} />.
        </p>
      </Notice>
    );
  }
  switch (verdict) {
    case 'neverUsed':
      return (
        <Notice title="Safe to remove: it was never used">
          <p>Nothing stops working when you revoke it.</p>
        </Notice>
      );
    case 'idle':
      return (
        <Notice title="Probably safe to remove">
          <p>
            <LastCaller apiKey={apiKey} />, and not since. What runs once a month or a quarter would be
            noticed only then.
          </p>
        </Notice>
      );
    case 'quiet':
      return (
        <Notice tone="warning" title="Used this month">
          <p>
            <LastCaller apiKey={apiKey} />. Find out what it was before you revoke it.
          </p>
        </Notice>
      );
    case 'inUse':
      return (
        <Notice tone="warning" title="In use: revoking it breaks what uses it">
          <p>
            <LastCaller apiKey={apiKey} />. Rotate it to replace its secret without an outage.
          </p>
        </Notice>
      );
  }
}
