import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { type Person, useAdminApp } from './admin.ts';
import { expectAccessible } from './browser.ts';
import { eventually } from './server.ts';
import { get, type Key } from './session.ts';

const app = useAdminApp();

const DIALOG = '[role="dialog"], [role="alertdialog"]';

const hasFocus = (element: Locator) => element.evaluate((node) => node === document.activeElement);
const holdsFocus = (dialog: Locator) => dialog.evaluate((node) => node.contains(document.activeElement));

/** Tab goes round inside a dialog, forwards and backwards, and nowhere else. */
const expectTrap = async (page: Page, dialog: Locator, where: string) => {
  const stops = await dialog
    .locator('button:enabled, a[href], input:enabled, select:enabled, textarea:enabled, summary')
    .count();
  for (let press = 0; press <= stops; press++) {
    await page.keyboard.press('Tab');
    expect(await holdsFocus(dialog), `${where}: after ${press + 1} tabs`).toBe(true);
  }
  for (let press = 0; press < 2; press++) {
    await page.keyboard.press('Shift+Tab');
    expect(await holdsFocus(dialog), `${where}: backwards`).toBe(true);
  }
};

type Way = {
  /** The entry of the menu that the opener opens. */
  readonly entry?: string;
  /** Whether to ask axe. */
  readonly axe?: boolean;
};

/** Opens a dialog by the Enter key, and leaves it by Escape. */
const expectKeyboard = async (page: Page, opener: Locator, { entry, axe = false }: Way = {}) => {
  await opener.waitFor();
  await opener.focus();
  const where = `${new URL(page.url()).pathname} ${await opener.innerText()}`;
  await page.keyboard.press('Enter');
  if (entry) {
    await eventually(() => holdsFocus(page.getByRole('menu')));
    // A menu goes to the entry that begins with what is typed.
    await page.keyboard.type(entry.toLowerCase());
    await eventually(() => hasFocus(page.getByRole('menuitem', { name: entry })));
    await page.keyboard.press('Enter');
  }
  const dialog = page.locator(DIALOG);
  await dialog.waitFor();
  await eventually(() => holdsFocus(dialog));
  await expectTrap(page, dialog, where);
  if (axe) await expectAccessible(page, where);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await eventually(() => hasFocus(opener));
};

const makeUsedKey = async (person: Person): Promise<Key> => {
  const { key, token } = await person.mutate<{ key: Key; token: string }>('keys.create', { name: 'Nightly' });
  await get(app.server.url, '/api/projects', token);
  await eventually(async () => {
    const { suggested } = await person.query<{ suggested: unknown }>('keys.suggestScopes', { id: key.id });
    return suggested !== null;
  });
  return key;
};

/** The same for the one that a shortcut opens, wherever the focus is. */
const expectShortcut = async (page: Page, opener: Locator) => {
  await opener.focus();
  await page.keyboard.press('Control+k');
  const dialog = page.locator(DIALOG);
  await dialog.waitFor();
  await eventually(() => holdsFocus(dialog));
  await page.keyboard.press('Tab');
  expect(await holdsFocus(dialog), 'the command palette').toBe(true);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await eventually(() => hasFocus(opener));
};

it('opens every dialog, stays in it, leaves it and comes back, by keyboard alone', async () => {
  const person = await app.person('admin', 'globex');
  await person.mutate('projects.create', { name: 'By keyboard' });
  const { id } = await makeUsedKey(person);
  const { webhook } = await person.mutate<{ webhook: { id: string } }>('webhooks.create', {
    url: 'http://127.0.0.1:9/nobody-there',
  });
  const page = await app.open(person, '/settings/api-keys');
  const button = (name: string | RegExp) => page.getByRole('button', { name }).first();

  await expectKeyboard(page, button('+ Create API Key'));
  await expectKeyboard(page, button('Revoke'));
  await expectKeyboard(page, button('More actions for Nightly'), { entry: 'Rename' });
  await expectKeyboard(page, button('More actions for Nightly'), { entry: 'Rotate' });

  await page.goto(`/settings/api-keys/${id}`);
  for (const name of ['Rename', 'Rotate', 'Revoke', 'Change limits'])
    await expectKeyboard(page, button(name));
  for (const name of ['Set request limits', 'Give credits', 'Try with only these']) {
    await expectKeyboard(page, button(name), { axe: true });
  }

  await page.goto('/projects');
  for (const name of ['New project', 'Edit By keyboard', 'Delete By keyboard']) {
    await expectKeyboard(page, button(name));
  }

  await page.goto('/members');
  for (const name of ['Invite member', 'Change role', 'Deactivate']) await expectKeyboard(page, button(name));
  await expectKeyboard(page, button('Limits'), { axe: true });

  await page.goto('/settings/webhooks');
  await expectKeyboard(page, button('Add webhook'));
  await page.goto(`/settings/webhooks/${webhook.id}`);
  for (const name of ['Edit', 'Rotate secret', 'Delete']) await expectKeyboard(page, button(name));
  await expectShortcut(page, button('Edit'));

  await page.goto('/settings/organization');
  await page.getByLabel('Idle after days without use').fill('30');
  await expectKeyboard(page, button('Review and save'), { axe: true });
});
