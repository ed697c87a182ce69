import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { row, useAdminApp } from './admin.ts';
import { eventually } from './server.ts';
import { get, type Key, signIn } from './session.ts';

const app = useAdminApp();
type Issued = { key: Key; token: string };

describe('usage', () => {
  it('shows what was requested, how it ended, per key, and how near it came to the limit', async () => {
    const person = await app.person('member');
    const { token } = await person.mutate<Issued>('keys.create', { name: 'Busy key' });
    for (let count = 0; count < 3; count++) await get(app.server.url, '/api/projects', token);
    await get(app.server.url, '/api/keys/none', token);
    const page = await app.open(person, '/usage?range=1h');
    const keys = page.getByRole('table', { name: 'Requests per key' });
    await keys.getByRole('row').filter({ hasText: 'Busy key' }).filter({ hasText: '25%' }).waitFor();
    await page.getByText('4 of 100 a minute').or(page.getByText('3 of 100 a minute')).waitFor();
    await page.getByText('Show the numbers').click();
    const numbers = page.getByRole('table', { name: 'Numbers of the chart' });
    await numbers.getByRole('row').filter({ hasText: '4' }).first().waitFor();
    // The chart reads its bars to those who move with the arrow keys.
    const chart = page.getByRole('slider', { name: /Requests over time/ });
    await chart.focus();
    await page.keyboard.press('ArrowLeft');
    await eventually(async () => /request/.test((await chart.getAttribute('aria-valuetext')) ?? ''));
    await page.getByRole('tab', { name: '30 days' }).click();
    await eventually(() => Promise.resolve(page.url().includes('range=30d')));
    await keys.getByRole('link', { name: 'Busy key' }).click();
    await page.getByRole('heading', { name: 'Busy key', level: 1 }).waitFor();
    await page.getByText('In use: revoking it breaks what uses it').waitFor();
  });
});

describe('the audit log', () => {
  it('is filtered by an address that can be sent around, and exported as it is filtered', async () => {
    const person = await app.person('admin', 'globex');
    const { key } = await person.mutate<Issued>('keys.create', { name: '=audited()' });
    await person.mutate('keys.update', { id: key.id, name: '=audited() again' });
    await person.mutate('projects.create', { name: 'Not about the key' });
    const page = await app.open(person, `/audit-log?key=${key.id}`);
    await row(page, 'Changed API key').getByText('=audited() again').first().waitFor();
    expect(await page.getByText('Not about the key').count()).toBe(0);
    const exported = async (kind: RegExp) => {
      await page.getByRole('button', { name: 'Export' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: kind }).click(),
      ]);
      return readFile(await download.path(), 'utf8');
    };
    const csv = await exported(/CSV/);
    expect(csv.trim().split('\r\n')).toHaveLength(3);
    expect(csv).toContain(",'=audited()");
    expect(JSON.parse(await exported(/JSON/))).toHaveLength(2);
    await page.getByLabel('Action').click();
    await page.getByRole('option', { name: 'Created API key' }).click();
    await row(page, 'Changed API key').waitFor({ state: 'detached' });
    await row(page, 'Created API key').waitFor();
  });
});

describe('members', () => {
  it('are invited, sign in, and are out at once when they are deactivated', async () => {
    const page = await app.open(await app.person('admin'), '/members?invite');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Nina New');
    await dialog.getByLabel('E-mail').fill('nina@acme.test');
    await dialog.getByRole('button', { name: 'Invite' }).click();
    const password = await dialog.getByLabel(/Initial password/).inputValue();
    await dialog.getByRole('button', { name: 'Done' }).click();
    const nina = await signIn(app.server.url, 'nina@acme.test', password);
    const theirs = await app.open(nina, '/projects');
    await theirs.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
    await row(page, 'Nina New').getByRole('button', { name: 'Deactivate' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Deactivate' }).click();
    await row(page, 'Nina New').getByText('Deactivated', { exact: true }).waitFor();
    await theirs.goto('/projects');
    await theirs.getByRole('heading', { name: /Sign in/ }).waitFor();
  });

  it('tell a viewer why there is nothing to click', async () => {
    const page = await app.open(await app.person('viewer'), '/settings/api-keys');
    await page.getByText('As a viewer, you cannot create or revoke API keys').waitFor();
    expect(await page.getByRole('button', { name: '+ Create API Key' }).count()).toBe(0);
    for (const [path, text] of [
      ['/members', 'you cannot see the members'],
      ['/audit-log', 'you cannot read the audit log'],
      ['/settings/api-keys?create', 'you cannot create'],
    ] as const) {
      await page.goto(path);
      await page.getByText(text).waitFor();
      expect(await page.getByRole('dialog').count(), path).toBe(0);
    }
  });
});

describe('the account', () => {
  it('shows where one is signed in, and signs out everywhere else', async () => {
    const person = await app.person('member');
    const other = await signIn(app.server.url, person.email, person.password);
    const page = await app.open(person, '/settings/account');
    await page.getByText('This one').waitFor();
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByText('Signed out in 1 other place.').first().waitFor();
    await expect(other.query('user.me')).rejects.toThrow('session_invalid');
    await person.query('user.me');
  });

  it('changes the password, which signs out elsewhere, and says what is wrong with a bad one', async () => {
    const person = await app.person('member');
    const other = await signIn(app.server.url, person.email, person.password);
    const page = await app.open(person, '/settings/account');
    await page.getByLabel('Current password').fill(person.password);
    await page.getByLabel('New password').fill('short');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Needs at least 10 characters').waitFor();
    await page.getByLabel('New password').fill('long enough for all');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Your password is changed.').first().waitFor();
    await expect(other.query('user.me')).rejects.toThrow('session_invalid');
  });
});

describe('projects and organization', () => {
  it('are made, changed and deleted, and the plan is shown', async () => {
    const person = await app.person('member', 'globex');
    const page = await app.open(person, '/projects?create');
    await page.getByRole('dialog').getByLabel('Name').fill('Moon base');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /Create|Save/ })
      .click();
    await row(page, 'Moon base').waitFor();
    await page.getByRole('button', { name: 'Delete Moon base' }).click();
    await page.getByRole('button', { name: 'Delete project' }).click();
    await row(page, 'Moon base').waitFor({ state: 'detached' });
    await page.goto('/settings/organization');
    await page.getByText('Enterprise').first().waitFor();
  });
});

describe('the API reference', () => {
  it('tries a call with a key that is kept nowhere', async () => {
    const person = await app.person('member');
    const { token } = await person.mutate<Issued>('keys.create', { name: 'For trying' });
    const page = await app.open(person, '/reference#user.me');
    await page.getByLabel('API key').fill(token);
    await page.getByRole('button', { name: 'Send request' }).click();
    await page.getByRole('region', { name: 'Answer' }).getByText(person.email).waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
    );
    expect(kept).not.toContain(token.slice(12));
    expect(await page.getByRole('region', { name: 'cURL' }).innerText()).not.toContain(token.slice(12));
    await page.getByRole('link', { name: 'Projects' }).click();
    // Until that page has come, going back would leave another one than this.
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'API reference', level: 1 }).waitFor();
    expect(await page.getByLabel('API key').inputValue()).toBe('');
  });
});

describe('the command palette', () => {
  it('opens by Ctrl+K, finds pages and keys, and goes there, by keyboard alone', async () => {
    const person = await app.person('member', 'globex');
    await person.mutate('keys.create', { name: 'Payroll export' });
    const page = await app.open(person, '/projects');
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: /Search keys/ });
    await field.waitFor();
    await page.keyboard.type('payroll');
    await page.getByRole('option', { name: /Payroll export/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Payroll export', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await field.waitFor();
    await page.keyboard.type('account');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await field.waitFor();
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
  });
});

describe('two tabs of one browser', () => {
  it('are signed out together', async () => {
    const person = await app.person('member');
    const page = await app.open(person, '/projects');
    const other = await page.context().newPage();
    await other.goto('/settings/account');
    await other.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
    await page.getByRole('button', { name: /Account menu/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: /Sign in/ }).waitFor();
    await other.getByRole('heading', { name: 'Sign in to Kaana' }).waitFor();
  });
});
