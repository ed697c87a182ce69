import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { launchBrowser, openPage, signInAs } from './browser.ts';
import { createSite, startServer } from './server.ts';
import { get, signIn } from './session.ts';

const FOLDER = fileURLToPath(new URL('./screenshots', import.meta.url));
const PAGES = {
  'api-keys': '/settings/api-keys',
  projects: '/projects',
  usage: '/usage',
  'audit-log': '/audit-log',
  members: '/members',
  organization: '/settings/organization',
  account: '/settings/account',
};
const LOOKS = [
  { name: 'light-wide', colorScheme: 'light', width: 1280, height: 900 },
  { name: 'dark-wide', colorScheme: 'dark', width: 1280, height: 900 },
  { name: 'light-narrow', colorScheme: 'light', width: 390, height: 844 },
  { name: 'dark-narrow', colorScheme: 'dark', width: 390, height: 844 },
] as const;

/** Every page in every look, into `e2e/screenshots/`, for people to look at. It fails where a page does. */
it('takes a picture of every page', async () => {
  await using site = await createSite();
  await using server = await startServer(site);
  const ada = await signIn(server.url, 'ada@acme.test');
  const max = await signIn(server.url, 'max@acme.test');
  for (const name of ['Zapier Integration', 'Nightly import', 'Dev Testing Key']) {
    const { token } = await ada.mutate<{ token: string }>('keys.create', { name });
    for (let count = 0; count < 20; count++)
      await get(server.url, count % 5 ? '/api/projects' : '/api/keys/x', token);
  }
  const scoped = {
    name: 'Dashboard, read only',
    scopes: ['projects:read'],
    expiresAt: '2030-01-01T00:00:00Z',
  };
  await max.mutate('keys.create', scoped);
  const { key } = await max.mutate<{ key: { id: string } }>('keys.create', { name: 'Old laptop' });
  await max.mutate('keys.revoke', { id: key.id, reason: 'laptop was sold' });

  await mkdir(FOLDER, { recursive: true });
  const browser = await launchBrowser();
  try {
    for (const { name, colorScheme, width, height } of LOOKS) {
      const page = await openPage(browser, server.url, { colorScheme, viewport: { width, height } });
      const shoot = (what: string) => page.screenshot({ path: join(FOLDER, `${what}.${name}.png`) });
      await page.goto('/sign-in');
      await page.getByLabel('E-mail').waitFor();
      await shoot('sign-in');
      await signInAs(page, 'ada@acme.test');
      for (const [what, path] of Object.entries(PAGES)) {
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
        await shoot(what);
      }
      await page.goto('/settings/api-keys');
      await page.getByRole('button', { name: '+ Create API Key' }).click();
      await page.getByRole('textbox', { name: 'Name' }).fill('Slack Integration');
      await page.getByText('More options').click();
      await shoot('create-key');
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByLabel('Your API key').waitFor();
      await shoot('key-created');
      await page.getByRole('button', { name: /Done/ }).click();
      await page
        .getByRole('row', { name: /Slack/ })
        .getByRole('button', { name: 'Revoke', exact: true })
        .click();
      await page.getByRole('alertdialog').waitFor();
      await shoot('revoke-key');
      await page.getByRole('button', { name: 'Revoke key' }).click();
      await page.getByRole('alertdialog').waitFor({ state: 'detached' });
      expect(page.url()).toContain('/settings/api-keys');
    }
  } finally {
    await browser.close();
  }
});
