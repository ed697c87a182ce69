export const PLANS = ['standard', 'enterprise'] as const;
export type Plan = (typeof PLANS)[number];

/** `activeKeys`: per account, `null` is unlimited. `requestsPerMinute`: per account, over all its keys. */
export const PLAN_TABLE: Record<
  Plan,
  { readonly activeKeys: number | null; readonly requestsPerMinute: number }
> = {
  standard: { activeKeys: 5, requestsPerMinute: 100 },
  enterprise: { activeKeys: null, requestsPerMinute: 6000 },
};

/** The limit in force: the organization's own, where an operator has set one, else the plan's. */
export const requestsPerMinute = (organization: { plan: Plan; requestsPerMinute: number | null }): number =>
  organization.requestsPerMinute ?? PLAN_TABLE[organization.plan].requestsPerMinute;
