import type { Peppers } from '@kaana/api-key/digest';
import { type Authentication, createAuthentication } from './authentication.ts';
import type { Clock } from './clock.ts';
import { createKeys, type Keys } from './keys.ts';
import { Limiter } from './limiter.ts';
import { createMembers, type Members } from './members.ts';
import { createOrganizations, type Organizations } from './organizations.ts';
import type { Passwords } from './passwords.ts';
import { createProjects, type Projects } from './projects.ts';
import { createSessions, type Sessions } from './sessions.ts';
import type { Stores } from './stores.ts';
import { UsageRecorder } from './usage-recorder.ts';

export type DomainDependencies = {
  readonly stores: Stores;
  readonly peppers: Peppers;
  readonly passwords: Passwords;
  readonly clock: Clock;
};

/** Everything that a procedure may call. */
export type Domain = {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly authentication: Authentication;
  readonly limiter: Limiter;
  readonly recorder: UsageRecorder;
  readonly keys: Keys;
  readonly projects: Projects;
  readonly members: Members;
  readonly organizations: Organizations;
  readonly sessions: Sessions;
};

export const createDomain = ({ stores, peppers, passwords, clock }: DomainDependencies): Domain => ({
  stores,
  clock,
  authentication: createAuthentication(stores, peppers, clock),
  limiter: new Limiter(stores.limits),
  recorder: new UsageRecorder(stores.usage, clock),
  keys: createKeys(stores, peppers, clock),
  projects: createProjects(stores, clock),
  members: createMembers(stores, passwords, clock),
  organizations: createOrganizations(stores, clock),
  sessions: createSessions(stores, passwords, clock),
});
