import { describe, expect, it } from 'vitest';
import { createKey, row, signInBrowser, useAdminApp } from './admin.ts';
import { openPage } from './browser.ts';
import { createSite, eventually, startServer } from './server.ts';
import { type Key, signIn } from './session.ts';

const app = useAdminApp();
const PATH = '/settings/api-keys';

describe('a session that ends in the middle of something', () => {
  it('asks for the password over the page, and loses nothing that was typed', async () => {
    const person = await app.person('member');
    const page = await app.open(person, `${PATH}?create`);
    await page.getByRole('dialog').getByLabel('Name').fill('Typed before the end');
    const elsewhere = await signIn(app.server.url, person.email, person.password);
    await elsewhere.mutate('session.endOthers');
    await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click();
    const curtain = page.getByRole('dialog', { name: 'Your session has ended' });
    await curtain.waitFor();
    await curtain.getByLabel('Password').fill('wrong-password');
    await curtain.getByRole('button', { name: 'Sign in' }).click();
    await curtain.getByText('The e-mail or the password is wrong').waitFor();
    await curtain.getByLabel('Password').fill(person.password);
    await curtain.getByRole('button', { name: 'Sign in' }).click();
    await curtain.waitFor({ state: 'detached' });
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Typed before the end');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.getByLabel('Your API key').waitFor();
  });

  it('brings back to where one was going after signing in', async () => {
    const person = await app.person('member');
    const page = await app.open(null, '/usage?range=7d');
    await page.getByLabel('E-mail').fill(person.email);
    await page.getByLabel('Password').fill(person.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
    expect(page.url()).toContain('/usage?range=7d');
  });
});

describe('what the server refuses', () => {
  it('is told with what to do: a role that was taken away meanwhile (403)', async () => {
    const person = await app.person('admin', 'globex');
    const page = await app.open(person, `${PATH}?create`);
    await page.getByRole('dialog').getByLabel('Name').fill('Too late');
    const boss = await app.person('admin', 'globex');
    const { id } = await person.query<{ id: string }>('user.me');
    await boss.mutate('members.update', { id, role: 'viewer' });
    await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click();
    await page
      .getByText(/does not include keys:write|you cannot create or revoke API keys/)
      .first()
      .waitFor();
  });

  it('is told with what to do: a key that somebody else has revoked meanwhile (409)', async () => {
    const person = await app.person('member', 'globex');
    const { key } = await person.mutate<{ key: Key }>('keys.create', { name: 'Gone' });
    const page = await app.open(person, PATH);
    await row(page, 'Gone').getByRole('button', { name: 'Revoke' }).click();
    await person.mutate('keys.revoke', { id: key.id });
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke key' }).click();
    await page.getByText('This API key is revoked already').waitFor();
  });

  it('is told with how long to wait: too many wrong passwords (429)', async () => {
    const person = await app.person('member');
    const page = await app.open(null, '/sign-in');
    await page.getByLabel('E-mail').fill(person.email);
    await eventually(async () => {
      await page.getByLabel('Password').fill('wrong-password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page
        .getByText(/wrong|Too many/)
        .first()
        .waitFor();
      return page.getByText(/Try again in \d+ seconds/).isVisible();
    });
  });

  it('is told with the id of the request: something broke (500)', async () => {
    const page = await app.open(await app.person('member'), '/projects');
    await page.route('**/trpc/projects.create*', (route) =>
      route.fulfill({
        status: 500,
        contentType: 'application/json',
        body: JSON.stringify([
          {
            error: {
              message: 'x',
              code: -32603,
              data: {
                code: 'INTERNAL_SERVER_ERROR',
                httpStatus: 500,
                problem: {
                  title: 'Internal Error',
                  status: 500,
                  code: 'internal',
                  detail: 'Something went wrong on our side.',
                  requestId: 'req-for-support',
                },
              },
            },
          },
        ]),
      }),
    );
    await page.getByRole('button', { name: 'New project' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Unlucky');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /Create|Save/ })
      .click();
    await page.getByRole('alert').getByText('req-for-support').waitFor();
    expect(await page.getByRole('dialog').getByLabel('Name').inputValue()).toBe('Unlucky');
  });
});

describe('a server that is away', () => {
  it('is told for as long as it is, and everything goes on by itself afterwards', async () => {
    await using site = await createSite();
    const first = await startServer(site);
    const page = await openPage(app.browser, first.url);
    await signInBrowser(page, first.url, await signIn(first.url, 'ada@acme.test'));
    await page.goto(PATH);
    await page.getByText('No API keys yet').waitFor();
    // What a click opens is fetched soon after the page, in several files.
    await page.waitForFunction(() => {
      const fetched = performance.getEntriesByType('resource').map(({ name }) => name);
      const asked = [...document.querySelectorAll<HTMLLinkElement>('link[rel=modulepreload]')];
      return (
        fetched.some((name) => name.includes('create-dialog')) &&
        asked.every(({ href }) => fetched.includes(href))
      );
    });
    await first.kill('SIGKILL');
    await page.getByText('Server unreachable, retrying').waitFor();
    const dialog = await createKey(page, 'While it was away');
    await dialog.getByText('The server did not answer').waitFor();
    await using again = await startServer(site, { PORT: new URL(first.url).port });
    expect(again.url).toBe(first.url);
    await page.getByText('Server unreachable, retrying').waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.getByLabel('Your API key').waitFor();
  });
});

it('does not know an address, and says so', async () => {
  const page = await app.open(await app.person('viewer'), '/no/such/page');
  await page.getByRole('heading', { name: /not found|no such|nothing/i }).waitFor();
});
