import type { Peppers } from '@kaana/api-key/digest';
import { type Authentication, createAuthentication } from './authentication.ts';
import { type Children, createChildren } from './children.ts';
import type { Clock } from './clock.ts';
import { createForeignTokens } from './foreign-tokens.ts';
import { GhostRecorder } from './ghost-recorder.ts';
import { createImports, type Imports } from './imports.ts';
import { createKeys, type Keys } from './keys.ts';
import { createLeaks, type Leaks } from './leaks.ts';
import { Limiter } from './limiter.ts';
import { createMembers, type Members } from './members.ts';
import { createOrganizations, type Organizations } from './organizations.ts';
import type { Passwords } from './passwords.ts';
import { createProjects, type Projects } from './projects.ts';
import { Quotas } from './quotas.ts';
import { createFirstUses, createRotation, type Rotation } from './rotation.ts';
import { createSessions, type Sessions } from './sessions.ts';
import type { Stores } from './stores.ts';
import { createTokenFinder, type TokenFinder } from './token-finder.ts';
import { UsageRecorder } from './usage-recorder.ts';
import { createWebhookTargets, type WebhookTargets } from './webhooks/targets.ts';
import { createWebhooks, type Webhooks } from './webhooks/webhooks.ts';
import { WouldRefuseRecorder } from './would-refuse.ts';

export type DomainDependencies = {
  readonly stores: Stores;
  readonly peppers: Peppers;
  readonly passwords: Passwords;
  readonly clock: Clock;
  /** Where webhooks may lead; public addresses alone, by default. */
  readonly webhookTargets?: WebhookTargets;
};

/** Everything that a procedure may call. */
export type Domain = {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly authentication: Authentication;
  readonly limiter: Limiter;
  readonly quotas: Quotas;
  readonly recorder: UsageRecorder;
  readonly wouldRefuse: WouldRefuseRecorder;
  readonly ghosts: GhostRecorder;
  readonly keys: Keys;
  readonly rotation: Rotation;
  readonly children: Children;
  readonly imports: Imports;
  readonly tokens: TokenFinder;
  readonly leaks: Leaks;
  readonly projects: Projects;
  readonly members: Members;
  readonly organizations: Organizations;
  readonly sessions: Sessions;
  readonly webhooks: Webhooks;
};

export const createDomain = ({
  stores,
  peppers,
  passwords,
  clock,
  webhookTargets = createWebhookTargets('public'),
}: DomainDependencies): Domain => {
  const wouldRefuse = new WouldRefuseRecorder(stores.wouldRefuse, clock);
  const foreign = createForeignTokens(stores, peppers, clock);
  const keys = createKeys(stores, peppers, clock);
  const tokens = createTokenFinder(stores, peppers, foreign);
  return {
    stores,
    clock,
    wouldRefuse,
    ghosts: new GhostRecorder(stores.ghostUse, clock),
    authentication: createAuthentication(
      stores,
      peppers,
      clock,
      foreign,
      createFirstUses(stores, clock),
      wouldRefuse,
    ),
    limiter: new Limiter(stores.limits),
    quotas: new Quotas(stores.quotas, () => stores.limits.now()),
    recorder: new UsageRecorder(stores.usage, clock),
    keys,
    rotation: createRotation(stores, keys.get, peppers, clock),
    children: createChildren(stores, keys, clock),
    imports: createImports(stores, keys, peppers, clock),
    tokens,
    leaks: createLeaks(stores, tokens, clock),
    projects: createProjects(stores, clock),
    members: createMembers(stores, passwords, clock),
    organizations: createOrganizations(stores, clock),
    sessions: createSessions(stores, passwords, clock),
    webhooks: createWebhooks(stores, peppers, webhookTargets, clock),
  };
};
