/** What becomes of a key whose token was found in public: it is shown, told to webhooks as well, or revoked. */
export const LEAK_ACTIONS = ['flag', 'notify', 'revoke'] as const;
export type LeakAction = (typeof LEAK_ACTIONS)[number];

/** What an organization demands of its keys. */
export type Policies = {
  readonly onLeak: LeakAction;
};

export const NO_POLICIES: Policies = {
  onLeak: 'revoke',
};
