import { randomBytes } from 'node:crypto';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchBrowser, openPage } from './browser.ts';
import { createSite, type RunningServer, type Site, startServer } from './server.ts';
import { type SignedIn, signIn } from './session.ts';

export type Role = 'admin' | 'member' | 'viewer';
export type Person = SignedIn & { readonly email: string; readonly password: string };
/** The demo's organizations: Acme has the standard plan, Globex the enterprise one. */
export type Tenant = 'acme' | 'globex';
const ADMIN: Readonly<Record<Tenant, string>> = { acme: 'ada@acme.test', globex: 'grace@globex.test' };

export type AdminApp = {
  readonly site: Site;
  readonly server: RunningServer;
  readonly browser: Browser;
  /** An account of its own, signed in: what it makes is in nobody else's way. */
  person(role: Role, tenant?: Tenant): Promise<Person>;
  /** The app in a browser of its own, in which the person, or nobody, is signed in. */
  open(person: SignedIn | null, path: string, options?: BrowserContextOptions): Promise<Page>;
};

export const signInBrowser = async (page: Page, url: string, { cookie }: SignedIn): Promise<void> => {
  const [name = '', value = ''] = cookie.split('=');
  await page.context().addCookies([{ name, value, url, httpOnly: true, sameSite: 'Lax' }]);
};

/** One server and one browser for a file of tests; every test has contexts of its own, which end with it. */
export const useAdminApp = (): AdminApp => {
  const app: { site?: Site; server?: RunningServer; browser?: Browser } = {};
  const admins = new Map<Tenant, Promise<SignedIn>>();
  beforeAll(async () => {
    app.site = await createSite();
    [app.server, app.browser] = await Promise.all([startServer(app.site), launchBrowser()]);
  });
  afterEach(async () => {
    await Promise.all((app.browser?.contexts() ?? []).map((context) => context.close()));
  });
  afterAll(async () => {
    await app.browser?.close();
    await app.server?.kill();
    await app.site?.[Symbol.asyncDispose]();
  });
  const started = <Part>(part: Part | undefined): Part => {
    if (!part) throw new Error('the admin app has not started');
    return part;
  };
  return {
    get site() {
      return started(app.site);
    },
    get server() {
      return started(app.server);
    },
    get browser() {
      return started(app.browser);
    },
    person: async (role, tenant = 'acme') => {
      const { url } = started(app.server);
      const admin = admins.get(tenant) ?? signIn(url, ADMIN[tenant]);
      admins.set(tenant, admin);
      const email = `${role}-${randomBytes(4).toString('hex')}@${tenant}.test`;
      const { initialPassword } = await (await admin).mutate<{ initialPassword: string }>('members.invite', {
        email,
        name: email.split('@')[0],
        role,
      });
      return { ...(await signIn(url, email, initialPassword)), email, password: initialPassword };
    },
    open: async (person, path, options) => {
      const { url } = started(app.server);
      const page = await openPage(started(app.browser), url, { reducedMotion: 'reduce', ...options });
      if (person) await signInBrowser(page, url, person);
      await page.goto(path);
      return page;
    },
  };
};

export const row = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name });
export const clipboard = (page: Page): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

/** Fills and sends the form for a new key. */
export const createKey = async (page: Page, name: string): Promise<Locator> => {
  await page.getByRole('button', { name: '+ Create API Key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  return dialog;
};
