/** A person in the admin app, without the browser: tRPC over HTTP with the session's cookie. */
export type Session = {
  query<Result>(procedure: string, input?: unknown): Promise<Result>;
  mutate<Result>(procedure: string, input?: unknown): Promise<Result>;
};

/** With the cookie as a browser sends it: `NAME=VALUE`. */
export type SignedIn = Session & { readonly cookie: string };

export type Key = { id: string; name: string; start: string; status: string; lastUsedAt: string | null };

export class CallError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, problem: { code: string; detail: string }) {
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
    this.code = problem.code;
  }
}

const resultOf = async <Result>(response: Response): Promise<Result> => {
  const body = (await response.json()) as {
    result?: { data: Result };
    error?: { data: { problem: { code: string; detail: string } } };
  };
  if (body.error) throw new CallError(response.status, body.error.data.problem);
  return (body.result as { data: Result }).data;
};

const post = (url: string, procedure: string, input: unknown, headers: Record<string, string>) =>
  fetch(`${url}/trpc/${procedure}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(input ?? {}),
  });

export const signIn = async (url: string, email: string, password = 'demo-password'): Promise<SignedIn> => {
  const response = await post(url, 'session.signIn', { email, password }, {});
  await resultOf(response);
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .join('; ');
  return {
    cookie,
    query: async (procedure, input) => {
      const search = input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`;
      return resultOf(await fetch(`${url}/trpc/${procedure}${search}`, { headers: { cookie } }));
    },
    mutate: async (procedure, input) => resultOf(await post(url, procedure, input, { cookie })),
  };
};

export const get = (url: string, path: string, token: string): Promise<Response> =>
  fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });

export const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;
