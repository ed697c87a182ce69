/** What every floor and peer answers: the shape and size of our own `GET /api/user`, as `check.ts` makes sure. */
export const ANSWER = {
  id: 'acc_01kaw4m6zq8v3n5r7t9x1c2d4f',
  email: 'bench-1000@globex.test',
  name: 'Bench 1000',
  role: 'member',
  status: 'active',
  organization: { id: 'org_demo_globex', name: 'Globex', plan: 'enterprise' },
  permissions: ['projects:read', 'projects:write', 'keys:read', 'keys:write', 'usage:read'],
} as const;
