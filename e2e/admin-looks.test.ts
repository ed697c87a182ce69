import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createKey, type Person, row, useAdminApp } from './admin.ts';
import { expectAccessible } from './browser.ts';
import { get, type Key } from './session.ts';

const app = useAdminApp();

const PAGES = [
  '/settings/api-keys',
  '/projects',
  '/usage',
  '/audit-log',
  '/members',
  '/settings/organization',
  '/settings/webhooks',
  '/settings/account',
  '/reference#keys.create',
];

/** Nothing is on its way any more. */
const settled = async (page: Page) => {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector('.animate-pulse, .animate-spin'));
};

const withKeys = async (): Promise<{ person: Person; key: Key }> => {
  const person = await app.person('admin', 'globex');
  const { key, token } = await person.mutate<{ key: Key; token: string }>('keys.create', {
    name: 'Nightly import',
    expiresAt: new Date(Date.now() + 3 * 24 * 3600_000).toISOString(),
  });
  await get(app.server.url, '/api/projects', token);
  await person.mutate('keys.rotate', { id: key.id, overlapSeconds: 3600 });
  return { person, key };
};

/** What the page logs that it should not: refusals of the content security policy above all. */
const complaintsOf = (page: Page): string[] => {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return complaints;
};

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('has nothing that axe objects to, and breaks no rule of its own policy', async () => {
    const { person, key } = await withKeys();
    const page = await app.open(person, '/projects', { colorScheme });
    const complaints = complaintsOf(page);
    for (const path of [...PAGES, `/settings/api-keys/${key.id}`, '/no/such/page']) {
      await page.goto(path);
      await settled(page);
      await expectAccessible(page, path);
    }
    await page.goto('/settings/api-keys');
    await page.getByRole('combobox', { name: 'Order' }).click();
    await page.getByRole('option', { name: 'Newest first' }).click();
    await page.getByRole('button', { name: `More actions for Nightly import` }).first().click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    const renaming = page.getByRole('dialog');
    await renaming.getByLabel('Name').waitFor();
    await expectAccessible(page, 'renaming');
    await renaming.getByLabel('Name').press('Escape');
    await renaming.waitFor({ state: 'detached' });
    await row(page, 'Nightly import').first().getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('This key is in use').waitFor();
    await expectAccessible(page, 'revoking');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('option').first().waitFor();
    await expectAccessible(page, 'the command palette');
    await page.keyboard.press('Escape');
    const dialog = await createKey(page, `axe ${colorScheme}`);
    await dialog.getByLabel('Your API key').waitFor();
    await expectAccessible(page, 'the key that is shown once');
    expect(complaints.filter((text) => !/404/.test(text))).toEqual([]);
    await page.context().clearCookies();
    await page.goto('/sign-in');
    await page.getByLabel('E-mail').waitFor();
    await expectAccessible(page, '/sign-in');
  });

  it('fits a narrow screen', async () => {
    const { person, key } = await withKeys();
    const page = await app.open(person, '/projects', { colorScheme, viewport: { width: 360, height: 740 } });
    for (const path of [...PAGES, `/settings/api-keys/${key.id}`]) {
      await page.goto(path);
      await settled(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  });
});

it('can be used with forced colours', async () => {
  const { person } = await withKeys();
  const page = await app.open(person, '/settings/api-keys', { forcedColors: 'active' });
  await settled(page);
  await row(page, 'Nightly import').first().getByRole('button', { name: 'Revoke' }).waitFor();
  await expectAccessible(page, 'forced colours');
});

const MAX_SCRIPT_BYTES = 170 * 1000;
const MAX_LAYOUT_SHIFT = 0.02;

it('loads little to show the keys, and moves nothing once it is there', async () => {
  const { person } = await withKeys();
  const page = await app.open(person, '/projects');
  const scripts = new Map<string, number>();
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.endsWith('.js')) return;
    const gzip = await fetch(response.url(), { headers: { 'accept-encoding': 'gzip' } });
    scripts.set(pathname, Number(gzip.headers.get('content-length')));
  });
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) {
        shifts.push(entry.value);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto('/settings/api-keys');
  await settled(page);
  await row(page, 'Nightly import').first().waitFor();
  const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
  expect(bytes, JSON.stringify([...scripts])).toBeLessThanOrEqual(MAX_SCRIPT_BYTES);
  const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
  expect(shifts.reduce((sum, shift) => sum + shift, 0)).toBeLessThanOrEqual(MAX_LAYOUT_SHIFT);
});
