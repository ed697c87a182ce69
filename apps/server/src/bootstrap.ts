import { type Clock, createOrganization, type Passwords, type Stores } from '@kaana/core';
import { seedDemo } from './demo.ts';
import type { Environment } from './environment.ts';

/** What a database needs before it is served from. Returns what the operator should be told. */
export const bootstrap = async (
  stores: Stores,
  passwords: Passwords,
  clock: Clock,
  { demo, firstAdmin }: Pick<Environment, 'demo' | 'firstAdmin'>,
): Promise<'demo' | 'first-admin' | 'no-account' | 'ready'> => {
  await stores.audit.sweep();
  if (firstAdmin && (await stores.organizations.isEmpty())) {
    const { email, password, organizationName } = firstAdmin;
    // Ids are fixed, so that doing it again after a crash completes what was begun.
    await createOrganization(stores, passwords, clock, {
      id: 'org_first',
      name: organizationName,
      plan: 'standard',
      accounts: [{ id: 'acc_first', email, name: email.split('@')[0] ?? email, role: 'admin', password }],
    });
    return 'first-admin';
  }
  if (demo && (await seedDemo(stores, passwords, clock))) return 'demo';
  return (await stores.organizations.isEmpty()) ? 'no-account' : 'ready';
};
