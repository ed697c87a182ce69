import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import { row, signInBrowser } from './admin.ts';
import { launchBrowser, openPage } from './browser.ts';
import { createSite, startServer } from './server.ts';
import { get, type Key, signIn } from './session.ts';

const FOLDER = fileURLToPath(new URL('./screenshots', import.meta.url));
/** A few small ones for the tour: see docs/tour.md. */
const TOUR = fileURLToPath(new URL('../docs/images', import.meta.url));
const TOUR_SHOTS = ['api-keys', 'key-created', 'api-key', 'revoke-key', 'usage', 'reference'];

const PAGES = {
  'api-keys': '/settings/api-keys',
  projects: '/projects',
  usage: '/usage',
  'audit-log': '/audit-log',
  members: '/members',
  organization: '/settings/organization',
  webhooks: '/settings/webhooks',
  account: '/settings/account',
  reference: '/reference#keys.create',
};
const LOOKS = [
  { name: 'light-wide', colorScheme: 'light', width: 1280, height: 900 },
  { name: 'dark-wide', colorScheme: 'dark', width: 1280, height: 900 },
  { name: 'light-narrow', colorScheme: 'light', width: 390, height: 844 },
  { name: 'dark-narrow', colorScheme: 'dark', width: 390, height: 844 },
] as const;

type Issued = { key: Key; token: string };
const AGENTS: Readonly<Record<string, string>> = {
  'Zapier Integration': 'Zapier',
  'Nightly import': 'python-requests/2.32.3',
  'Dev Testing Key': 'curl/8.5.0',
};

const seed = async (url: string) => {
  const ada = await signIn(url, 'ada@acme.test');
  const max = await signIn(url, 'max@acme.test');
  const call = (token: string, path: string, agent: string) =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}`, 'user-agent': agent } });
  for (const [name, agent] of Object.entries(AGENTS)) {
    const { token } = await ada.mutate<Issued>('keys.create', { name });
    for (let count = 0; count < 20; count++) {
      await call(token, count % 5 ? '/api/projects' : '/api/keys/x', agent);
    }
  }
  await max.mutate('keys.create', {
    name: "Max's dashboard",
    scopes: ['projects:read', 'usage:read'],
    expiresAt: new Date(Date.now() + 4 * 24 * 3600_000).toISOString(),
  });
  const old = await max.mutate<Issued>('keys.create', { name: 'Old laptop' });
  await max.mutate('keys.revoke', { id: old.key.id, reason: 'laptop was sold' });
  const rotated = await max.mutate<Issued>('keys.create', { name: 'Slack Integration' });
  await get(url, '/api/user', rotated.token);
  const fresh = await max.mutate<Issued>('keys.rotate', { id: rotated.key.id, overlapSeconds: 86_400 });
  await get(url, '/api/user', fresh.token);
  return { ada, key: rotated.key };
};

/** Every page in every look, into `e2e/screenshots/`, for people to look at. It fails where a page does. */
it('takes a picture of every page', async () => {
  await using site = await createSite();
  await using server = await startServer(site);
  const { ada, key } = await seed(server.url);
  await mkdir(FOLDER, { recursive: true });
  await mkdir(TOUR, { recursive: true });
  const browser = await launchBrowser();
  try {
    for (const { name, colorScheme, width, height } of LOOKS) {
      const page = await openPage(browser, server.url, {
        colorScheme,
        viewport: { width, height },
        reducedMotion: 'reduce',
      });
      const settled = async () => {
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForFunction(() => !document.querySelector('.animate-pulse, .animate-spin'));
      };
      const shoot = async (what: string) => {
        await page.screenshot({ path: join(FOLDER, `${what}.${name}.png`) });
        if (name !== 'light-wide' || !TOUR_SHOTS.includes(what)) return;
        await page.screenshot({ path: join(TOUR, `${what}.jpg`), type: 'jpeg', quality: 72 });
      };
      await page.goto('/sign-in');
      await page.getByLabel('E-mail').waitFor();
      await shoot('sign-in');
      await signInBrowser(page, server.url, ada);
      for (const [what, path] of Object.entries({ ...PAGES, 'api-key': `/settings/api-keys/${key.id}` })) {
        await page.goto(path);
        await settled();
        await page.waitForLoadState('networkidle');
        await shoot(what);
      }
      await page.goto('/settings/api-keys');
      await settled();
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: /Search keys/ }).fill('key');
      await page.getByRole('option').first().waitFor();
      await shoot('palette');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: '+ Create API Key' }).click();
      await page.getByRole('textbox', { name: 'Name' }).fill('Payroll export');
      await page.getByText('More options').click();
      await page.getByText('Only what I choose').click();
      await shoot('create-key');
      await page.getByRole('checkbox', { name: 'See projects' }).check();
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByLabel('Your API key').waitFor();
      await shoot('key-created');
      await page.getByRole('button', { name: /Done/ }).click();
      await row(page, 'Nightly import').getByRole('button', { name: 'Revoke', exact: true }).click();
      await page.getByText('This key is in use').waitFor();
      await shoot('revoke-key');
      await page.keyboard.press('Escape');
      await row(page, 'Payroll export').getByRole('button', { name: 'Revoke', exact: true }).click();
      await page.getByRole('button', { name: 'Revoke key' }).click();
      await row(page, 'Payroll export').getByText('Revoked', { exact: true }).first().waitFor();
      await page.context().clearCookies();
      await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
      await shoot('session-ended');
      await page.context().close();
    }
  } finally {
    await browser.close();
  }
});
