/** So many the server takes at once. */
const BATCH = 1000;

/** Sends tokens to a server's `POST /api/keys/leaked`. Returns how many; rejects where the server does not take them. */
export const reportTokens = async (server: URL, tokens: readonly string[]): Promise<number> => {
  const address = new URL(server);
  if (!address.pathname.endsWith('/api/keys/leaked')) {
    address.pathname = `${address.pathname.replace(/\/+$/, '')}/api/keys/leaked`;
  }
  for (let from = 0; from < tokens.length; from += BATCH) {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tokens: tokens.slice(from, from + BATCH) }),
      // Elsewhere they were not meant to go.
      redirect: 'error',
      signal: AbortSignal.timeout(60_000),
    });
    if (response.status !== 202)
      throw new Error(`${address.origin} did not take the report: ${response.status}`);
  }
  return tokens.length;
};
