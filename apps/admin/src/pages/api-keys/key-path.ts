/** Where a key's page is. */
export const keyPath = (id: string): string => `/settings/api-keys/${encodeURIComponent(id)}`;
