/** What an event's action means, as in "Ada revoked the API key". An action that is not here shows as its code. */
export const ACTION_TEXT: Readonly<Record<string, string>> = {
  'key.created': 'Created API key',
  'key.updated': 'Changed API key',
  'key.credits_changed': 'Changed credits of API key',
  'key.rotated': 'Rotated API key',
  'key.new_secret_used': 'First used new secret of API key',
  'key.rotation_ended': 'Ended rotation of API key',
  'key.rotation_cancelled': 'Took back rotation of API key',
  'key.revoked': 'Revoked API key',
  'key.imported': 'Imported API key',
  'project.created': 'Created project',
  'project.updated': 'Changed project',
  'project.deleted': 'Deleted project',
  'account.created': 'Created account',
  'account.invited': 'Invited member',
  'account.limits_changed': 'Limited requests of member',
  'account.updated': 'Changed member',
  'account.password_changed': 'Changed password',
  'session.created': 'Signed in',
  'session.ended': 'Signed out',
  'organization.created': 'Created organization',
  'organization.updated': 'Changed organization',
  'webhook.created': 'Added webhook',
  'webhook.updated': 'Changed webhook',
  'webhook.deleted': 'Deleted webhook',
  'webhook.secret_rotated': 'Rotated secret of webhook',
  'webhook.disabled': 'Disabled webhook',
};

export const ACTION_OPTIONS = [
  { value: 'all', label: 'All actions' },
  ...Object.entries(ACTION_TEXT).map(([value, label]) => ({ value, label })),
];
