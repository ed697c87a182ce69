import { useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { Denied } from '../../denied.tsx';
import { Loaded } from '../../loaded.tsx';
import { every } from '../../poll.ts';
import { problemOf } from '../../problem.ts';
import { useCan } from '../../session.tsx';
import { type Key, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, Stack, TextLink } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { ExpiryBadge } from '../api-keys/expiry-badge.tsx';
import { KeyStart } from '../api-keys/key-start.tsx';
import type { KeyAction } from '../api-keys/key-table.tsx';
import { RenameDialog } from '../api-keys/rename-dialog.tsx';
import { RevokeDialog } from '../api-keys/revoke-dialog.tsx';
import { RotateDialog } from '../api-keys/rotate-dialog.tsx';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { CreditsDialog } from './credits-dialog.tsx';
import { GhostUseCard } from './ghost-use.tsx';
import { KeyHistory } from './history.tsx';
import { LimitsDialog } from './limits-dialog.tsx';
import { QuotaCard } from './quota-card.tsx';
import { RestrictDialog } from './restrict-dialog.tsx';
import { Safety } from './safety.tsx';
import type { ScopeProposal } from './scope-proposal.ts';
import { Secrets } from './secrets.tsx';
import { KeySettings } from './settings.tsx';
import { SuggestedScopesCard } from './suggested-scopes.tsx';
import { KeyUsage } from './usage.tsx';
import { WouldRefuseCard } from './would-refuse.tsx';

const POLL_MS = 3_000;
type Action = KeyAction | 'restrict' | 'limits' | 'credits';
const DIALOGS = {
  revoke: RevokeDialog,
  rotate: RotateDialog,
  rename: RenameDialog,
  restrict: RestrictDialog,
  limits: LimitsDialog,
  credits: CreditsDialog,
};

export function ApiKeyPage() {
  const { id = '' } = useParams();
  const mayRead = useCan('keys:read');
  if (!mayRead) {
    return (
      <>
        <PageHeader title="API key" />
        <Denied permission="keys:read" what="see API keys" />
      </>
    );
  }
  return (
    <>
      <p className="mb-3 text-[0.8125rem]">
        <TextLink asChild>
          <Link to="/settings/api-keys" className="inline-flex items-center gap-1">
            <ArrowLeft aria-hidden className="size-3.5" />
            API Keys
          </Link>
        </TextLink>
      </p>
      <KeyById key={id} id={id} />
    </>
  );
}

function KeyById({ id }: { id: string }) {
  const query = useQuery(
    trpc.keys.get.queryOptions({ id }, { refetchInterval: every(POLL_MS), refetchOnWindowFocus: 'always' }),
  );
  if (query.error && !query.data && problemOf(query.error).status === 404) {
    return (
      <>
        <PageHeader title="No such API key" />
        <EmptyState icon={ArrowLeft} title="There is no key with this address">
          <p>It may belong to someone else, or to another organization. You are signed in to your own.</p>
        </EmptyState>
      </>
    );
  }
  return (
    <>
      {!query.data && <PageHeader title="API key" />}
      <Loaded query={query} label="Loading the API key" rows={6}>
        {(apiKey) => <OneKey apiKey={apiKey} />}
      </Loaded>
    </>
  );
}

function OneKey({ apiKey }: { apiKey: Key }) {
  const mayWrite = useCan('keys:write');
  const mayReadUsage = useCan('usage:read');
  const mayReadAudit = useCan('audit:read');
  const [open, setOpen] = useState<Action | null>(null);
  const [proposal, setProposal] = useState<ScopeProposal>();
  const OpenDialog = open && DIALOGS[open];
  const narrow = (proposed: ScopeProposal) => {
    setProposal(proposed);
    setOpen('restrict');
  };
  const close = () => {
    setProposal(undefined);
    setOpen(null);
  };
  const mayChange = mayWrite && apiKey.status === 'active';
  return (
    <>
      <PageHeader
        title={apiKey.name}
        description={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <StatusBadge status={apiKey.status} />
            <ExpiryBadge of={apiKey} />
            <KeyStart start={apiKey.start} />
            <span>of {apiKey.createdBy.name}</span>
          </span>
        }
        actions={
          mayChange && (
            <>
              <Button onClick={() => setOpen('rename')}>Rename</Button>
              <Button onClick={() => setOpen('rotate')}>Rotate</Button>
              <Button variant="danger-quiet" onClick={() => setOpen('revoke')}>
                Revoke
              </Button>
            </>
          )
        }
      />
      <Stack>
        <Safety apiKey={apiKey} />
        <Secrets apiKey={apiKey} onRotate={mayChange ? () => setOpen('rotate') : null} />
        <GhostUseCard keyId={apiKey.id} />
        <WouldRefuseCard apiKey={apiKey} mayChange={mayChange} />
        <SuggestedScopesCard apiKey={apiKey} onNarrow={mayChange ? narrow : null} />
        {mayReadUsage && <KeyUsage keyId={apiKey.id} />}
        <KeySettings apiKey={apiKey} onChange={mayChange ? () => setOpen('restrict') : null} />
        <QuotaCard apiKey={apiKey} onChange={mayChange ? setOpen : null} />
        {mayReadAudit && <KeyHistory keyId={apiKey.id} />}
      </Stack>
      {OpenDialog && <OpenDialog apiKey={apiKey} onClose={close} proposal={proposal} />}
    </>
  );
}
