import { describe, expect, it } from 'vitest';
import { row, useAdminApp } from './admin.ts';
import { get, type Key } from './session.ts';

const app = useAdminApp();
type Issued = { key: Key; token: string };

describe('the policies of an organization', () => {
  it('are shown with what they would hit, saved, and then hold', async () => {
    const admin = await app.person('admin');
    const member = await app.person('member');
    await member.mutate<Issued>('keys.create', { name: 'Without an end' });
    const page = await app.open(admin, '/settings/organization');
    await page.getByLabel('Longest lifetime, in days').fill('none');
    await page.getByRole('button', { name: 'Review and save' }).click();
    await page.getByText('Type a whole number of days').waitFor();
    await page.getByLabel('Longest lifetime, in days').fill('90');
    await page.getByLabel('Idle after days without use').fill('30');
    await page.getByRole('radio', { name: /Is revoked By itself/ }).check();
    await page.getByRole('button', { name: 'Review and save' }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByText(/cannot be rotated before that is mended/).waitFor();
    await dialog
      .getByRole('listitem')
      .filter({ hasText: 'Without an end' })
      .getByText('lives too long')
      .waitFor();
    await dialog.getByText('every key that nobody uses for 30 days is revoked, for good').waitFor();
    await dialog.getByRole('button', { name: 'Save policies' }).click();
    await dialog.waitFor({ state: 'detached' });
    await expect(member.mutate('keys.create', { name: 'Too long' })).rejects.toThrow('policy_violation');

    const theirs = await app.open(member, '/settings/organization');
    await theirs.getByText('Revoked, for good, after 30 days without use').waitFor();
    expect(await theirs.getByRole('button', { name: 'Review and save' }).count()).toBe(0);
  });
});

describe('limits and credits', () => {
  it('are given with a new key, and are what its requests keep to', async () => {
    const person = await app.person('admin', 'globex');
    const page = await app.open(person, '/settings/api-keys?create');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('Limited');
    await dialog.getByText('Request limits and credits').click();
    await dialog.getByRole('button', { name: 'Add a limit' }).click();
    await dialog.getByLabel('Name of limit 1').fill('daily');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.getByText('Type how many requests').waitFor();
    await dialog.getByLabel('Requests of limit 1').fill('1');
    await dialog.getByLabel('Credits').click();
    await page.getByRole('option', { name: 'Requests cost credits' }).click();
    await dialog.getByLabel('How many it begins with').fill('5');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    const token = await dialog.getByLabel('Your API key').inputValue();
    expect((await get(app.server.url, '/api/projects', token)).status).toBe(200);
    expect((await get(app.server.url, '/api/projects', token)).status).toBe(429);
    await dialog.getByRole('button', { name: /stored it/ }).click();
    await row(page, 'Limited').getByRole('link', { name: 'Limited' }).click();
    await page.getByText('1 request in any day').waitFor();
    await page.getByText('4 left').waitFor();

    await page.getByRole('button', { name: 'Set request limits' }).click();
    await dialog.getByRole('button', { name: 'Remove daily' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('None of its own').waitFor();
    await page.getByRole('button', { name: 'Change credits' }).click();
    await dialog.getByLabel('How many to add').fill('6');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('10 left').waitFor();
    expect((await get(app.server.url, '/api/projects', token)).status).toBe(200);
  });

  it('are given to an account, over all of its keys', async () => {
    const admin = await app.person('admin', 'globex');
    const member = await app.person('member', 'globex');
    const { token } = await member.mutate<Issued>('keys.create', { name: 'k' });
    const page = await app.open(admin, '/members');
    await row(page, member.email).getByRole('button', { name: 'Limits' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add a limit' }).click();
    await dialog.getByLabel('Name of limit 1').fill('hourly');
    await dialog.getByLabel('Requests of limit 1').fill('1');
    await dialog.getByLabel('Time of limit 1').click();
    await page.getByRole('option', { name: 'in any hour' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row(page, member.email).getByText('1 request in any hour').waitFor();
    expect((await get(app.server.url, '/api/user', token)).status).toBe(200);
    expect((await get(app.server.url, '/api/user', token)).status).toBe(429);
  });
});

describe('what a key uses', () => {
  it('is suggested, tried, and then enforced', async () => {
    const person = await app.person('member', 'globex');
    const { key, token } = await person.mutate<Issued>('keys.create', { name: 'Reader' });
    await get(app.server.url, '/api/projects', token);
    const page = await app.open(person, `/settings/api-keys/${key.id}`);
    await page.getByText(/Uses 1 of its 6 permissions since/).waitFor();
    await page.getByRole('button', { name: 'Try with only these' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('checkbox', { name: 'See projects' }).isChecked()).toBe(true);
    expect(await dialog.getByRole('checkbox', { checked: true }).count()).toBe(1);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('What would be refused').waitFor();
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(200);
    await page.getByRole('button', { name: 'Enforce now' }).click();
    await page.getByText('What would be refused').waitFor({ state: 'detached' });
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(403);
  });
});

describe('a change of a member', () => {
  it('can be undone right after it', async () => {
    const admin = await app.person('admin', 'globex');
    const member = await app.person('member', 'globex');
    const page = await app.open(admin, '/members');
    await row(page, member.email).getByRole('button', { name: 'Change role' }).click();
    await page
      .getByRole('dialog')
      .getByRole('radio', { name: /Viewer/ })
      .check();
    await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('is as before').first().waitFor();
    expect(await member.query('user.me')).toMatchObject({ role: 'member' });
    await row(page, member.email).getByRole('button', { name: 'Deactivate' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Deactivate' }).click();
    await row(page, member.email).getByText('Deactivated', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, member.email).getByText('Active', { exact: true }).waitFor();
  });
});
