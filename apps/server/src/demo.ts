import {
  type Clock,
  createEvent,
  createOrganization,
  type Passwords,
  type Plan,
  type Project,
  type Role,
  type Stores,
  SYSTEM,
} from '@kaana/core';

export const DEMO_PASSWORD = 'demo-password';

type DemoOrganization = {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  readonly accounts: readonly { id: string; email: string; name: string; role: Role }[];
  readonly projects: readonly { id: string; name: string; description: string }[];
};

/** Ids are fixed, so that seeding again after a crash completes what was begun. */
export const DEMO: readonly DemoOrganization[] = [
  {
    id: 'org_demo_acme',
    name: 'Acme',
    plan: 'standard',
    accounts: [
      { id: 'acc_demo_ada', email: 'ada@acme.test', name: 'Ada Archer', role: 'admin' },
      { id: 'acc_demo_max', email: 'max@acme.test', name: 'Max Miller', role: 'member' },
      { id: 'acc_demo_vic', email: 'vic@acme.test', name: 'Vic Vance', role: 'viewer' },
    ],
    projects: [
      { id: 'prj_demo_acme_1', name: 'Website', description: 'The public site and its content' },
      { id: 'prj_demo_acme_2', name: 'Mobile app', description: 'iOS and Android' },
      { id: 'prj_demo_acme_3', name: 'Data warehouse', description: 'Nightly imports and reports' },
    ],
  },
  {
    id: 'org_demo_globex',
    name: 'Globex',
    plan: 'enterprise',
    accounts: [{ id: 'acc_demo_grace', email: 'grace@globex.test', name: 'Grace Green', role: 'admin' }],
    projects: [
      { id: 'prj_demo_globex_1', name: 'Reactor control', description: 'Sensors and alarms' },
      { id: 'prj_demo_globex_2', name: 'Supply chain', description: 'Orders and stock' },
      { id: 'prj_demo_globex_3', name: 'Customer portal', description: 'Self-service for customers' },
    ],
  },
];

/** Seeds an empty database. Returns whether the demo data is there now. */
export const seedDemo = async (stores: Stores, passwords: Passwords, clock: Clock): Promise<boolean> => {
  const present = await stores.organizations.getMany(DEMO.map(({ id }) => id));
  if (present.size === DEMO.length) return true;
  if (present.size === 0 && !(await stores.organizations.isEmpty())) return false;
  // All of them have the same password, which is no secret: one hash will do, and saves half a second.
  const hash = await passwords.hash(DEMO_PASSWORD);
  const once: Passwords = { ...passwords, hash: () => Promise.resolve(hash) };
  for (const { id, name, plan, accounts, projects } of DEMO) {
    const now = clock();
    for (const fields of projects) {
      const at = new Date(now);
      const project: Project = {
        ...fields,
        organizationId: id,
        createdAt: at,
        updatedAt: at,
        createdBy: null,
      };
      const target = { type: 'project', id: project.id, name: project.name };
      await stores.projects.insert(
        project,
        createEvent(now, id, SYSTEM, 'project.created', target, { name: { from: null, to: project.name } }),
      );
    }
    const members = accounts.map((account) => ({ ...account, password: DEMO_PASSWORD }));
    await createOrganization(stores, once, clock, { id, name, plan, accounts: members });
  }
  return true;
};
