import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible, launchBrowser, openPage, signInAs } from './browser.ts';
import { createSite, eventually, type RunningServer, type Site, startServer } from './server.ts';
import { type Key, signIn } from './session.ts';

const run = promisify(execFile);

let site: Site;
let server: RunningServer;
let browser: Browser;
beforeAll(async () => {
  site = await createSite();
  server = await startServer(site);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.kill();
  await site[Symbol.asyncDispose]();
});

const open = async (email: string): Promise<Page> => {
  const page = await openPage(browser, server.url);
  await signInAs(page, email);
  return page;
};
const row = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });
const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

const createKey = async (page: Page, name: string) => {
  await page.getByRole('button', { name: '+ Create API Key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  return dialog;
};

/** `requests`, or where this machine has none, as much of it as the snippet uses. */
const pythonPath = async (): Promise<Record<string, string>> => {
  if (
    await run('python3', ['-c', 'import requests']).then(
      () => true,
      () => false,
    )
  )
    return {};
  const folder = join(site.dataDir, 'python');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'requests.py'),
    [
      'import json, urllib.request, urllib.error',
      'class Response:',
      '  def __init__(self, body): self.body = body',
      '  def json(self): return json.loads(self.body)',
      'def get(url, headers):',
      '  try: return Response(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).read())',
      '  except urllib.error.HTTPError as error: return Response(error.read())',
    ].join('\n'),
  );
  return { PYTHONPATH: folder };
};

describe('the main job, in the browser', () => {
  it('creates a key, runs the copied lines, sees the last use, revokes it, and the same lines are refused', async () => {
    const page = await open('ada@acme.test');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: 'API Keys' }).click();
    await page.getByRole('heading', { name: 'API Keys', level: 1 }).waitFor();

    const dialog = await createKey(page, 'Zapier Integration');
    const token = await dialog.getByLabel('Your API key').inputValue();
    expect(token).toMatch(/^kaana_[0-9A-Za-z]{38}$/);
    await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
    expect(await clipboard(page)).toBe(token);

    const copied: Record<string, string> = {};
    for (const language of ['cURL', 'JavaScript', 'Python']) {
      await dialog.getByRole('tab', { name: language }).click();
      await dialog.getByRole('button', { name: `Copy ${language}` }).click();
      copied[language] = await clipboard(page);
      expect(copied[language]).toContain(`${server.url}/api/projects`);
      expect(copied[language]).toContain(`Bearer ${token}`);
    }
    const file = join(site.dataDir, 'snippet.mjs');
    await writeFile(file, copied.JavaScript ?? '');
    const env = { ...process.env, ...(await pythonPath()) };
    const results = async () => [
      (await run('bash', ['-c', `${copied.cURL} --silent`])).stdout,
      (await run(process.execPath, [file])).stdout,
      (await run('python3', ['-c', copied.Python ?? ''], { env })).stdout,
    ];
    for (const output of await results()) expect(output).toContain('Data warehouse');

    await dialog.getByRole('button', { name: /stored it/ }).click();
    expect(await page.content()).not.toContain(token);
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
    );
    expect(kept).not.toContain(token.slice(12));
    await page.reload();
    await row(page, 'Zapier Integration').waitFor();
    expect(await page.content()).not.toContain(token.slice(12));

    // It moves by itself, without a reload.
    await row(page, 'Zapier Integration')
      .getByText(/now|second|minute/)
      .first()
      .waitFor();

    await row(page, 'Zapier Integration').getByRole('button', { name: 'Revoke' }).click();
    const confirmation = page.getByRole('alertdialog');
    expect(await confirmation.textContent()).toContain('cannot be undone');
    await confirmation.getByRole('button', { name: 'Revoke key' }).click();
    await row(page, 'Zapier Integration').getByText('Revoked', { exact: true }).waitFor();
    for (const output of await results()) expect(output).toContain('Invalid API Key');
  });

  it('can be done with the keyboard alone', async () => {
    const page = await openPage(browser, server.url);
    await page.goto('/settings/api-keys');
    await page.getByLabel('E-mail').waitFor();
    await page.keyboard.type('max@acme.test');
    await page.keyboard.press('Tab');
    await page.keyboard.type('demo-password');
    await page.keyboard.press('Enter');
    const create = page.getByRole('button', { name: '+ Create API Key' });
    await create.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByLabel('Name').waitFor();
    await page.keyboard.type('By keyboard');
    await page.keyboard.press('Enter');
    await page.getByLabel('Your API key').waitFor();
    await page.keyboard.press('Enter');
    expect(await clipboard(page)).toMatch(/^kaana_/);
    // What is shown once does not go away by accident.
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /stored it/ }).focus();
    await page.keyboard.press('Enter');
    await row(page, 'By keyboard').waitFor();
    await row(page, 'By keyboard').getByRole('button', { name: 'Revoke' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor();
    await page.keyboard.press('Escape');
    await row(page, 'By keyboard').getByText('Active', { exact: true }).waitFor();
  });

  it('shows a change that somebody else has made', async () => {
    const page = await open('max@acme.test');
    await page.goto('/settings/api-keys');
    await createKey(page, 'Shared').then((dialog) =>
      dialog.getByRole('button', { name: /stored it/ }).click(),
    );
    await row(page, 'Shared').getByText('Active', { exact: true }).waitFor();
    const ada = await signIn(server.url, 'ada@acme.test');
    const { data } = await ada.query<{ data: Key[] }>('keys.list', { status: 'active' });
    await ada.mutate('keys.revoke', { id: data.find(({ name }) => name === 'Shared')?.id });
    await row(page, 'Shared').getByText('Revoked', { exact: true }).waitFor();
  });

  it('says what to do when there are five active keys', async () => {
    const max = await signIn(server.url, 'max@acme.test');
    const { data } = await max.query<{ data: Key[] }>('keys.list', { status: 'active' });
    for (let count = data.length; count < 5; count++)
      await max.mutate('keys.create', { name: `filler ${count}` });
    const page = await open('max@acme.test');
    await page.goto('/settings/api-keys');
    const dialog = await createKey(page, 'One too many');
    await dialog.getByText('Revoke one that is no longer needed').waitFor();
    expect(await dialog.getByLabel('Name').inputValue()).toBe('One too many');
  });

  it('rotates a key', async () => {
    const page = await open('grace@globex.test');
    await page.goto('/settings/api-keys');
    await createKey(page, 'To rotate').then((dialog) =>
      dialog.getByRole('button', { name: /stored it/ }).click(),
    );
    await row(page, 'To rotate').getByRole('button', { name: 'More actions for To rotate' }).click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Rotate/ })
      .click();
    const token = await page.getByLabel(/API key/).inputValue();
    const answer = await fetch(`${server.url}/api/user`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });
});

describe('roles', () => {
  it('tell a viewer why there is nothing to click', async () => {
    const page = await open('vic@acme.test');
    await page.goto('/settings/api-keys');
    await page.getByRole('heading', { name: 'API Keys', level: 1 }).waitFor();
    await page
      .getByText(/Your role/i)
      .first()
      .waitFor();
    expect(await page.getByRole('button', { name: '+ Create API Key' }).count()).toBe(0);
    await page.goto('/members');
    await page.getByText(/admin/i).first().waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
  });

  it('let an admin invite somebody, who signs in, and deactivate them, who is out at once', async () => {
    const page = await open('ada@acme.test');
    await page.goto('/members');
    await page
      .getByRole('button', { name: /Invite/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Nina New');
    await dialog.getByLabel('E-mail').fill('nina@acme.test');
    await dialog.getByRole('button', { name: /Invite/ }).click();
    const password = await dialog
      .getByLabel(/password/i)
      .first()
      .inputValue();
    await dialog
      .getByRole('button', { name: /Done|stored|Close/ })
      .first()
      .click();
    const nina = await openPage(browser, server.url);
    await signInAs(nina, 'nina@acme.test', password);
    await row(page, 'Nina New').getByRole('button', { name: 'Deactivate' }).click();
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: /Deactivate/ })
      .click();
    await row(page, 'Nina New').getByText('Deactivated', { exact: true }).waitFor();
    await nina.goto('/projects');
    await nina.getByRole('button', { name: 'Sign in' }).waitFor();
  });
});

describe('when something goes wrong', () => {
  it('brings back to where one was after signing in again', async () => {
    const page = await open('ada@acme.test');
    await page.context().clearCookies();
    await page.goto('/projects');
    await page.getByLabel('E-mail').fill('ada@acme.test');
    await page.getByLabel('Password').fill('wrong-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The e-mail or the password is wrong').waitFor();
    await page.getByLabel('Password').fill('demo-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/projects');
  });

  it('says so while the server is away, and goes on by itself when it is back', async () => {
    await using other = await createSite();
    const first = await startServer(other);
    const page = await openPage(browser, first.url);
    await signInAs(page, 'ada@acme.test');
    await page.goto('/settings/api-keys');
    await page
      .getByRole('table')
      .or(page.getByText(/no.*keys/i))
      .first()
      .waitFor();
    await first.kill('SIGKILL');
    await page
      .getByText(/cannot be reached|unreachable|not reach/i)
      .first()
      .waitFor();
    await using again = await startServer(other, { PORT: new URL(first.url).port });
    expect(again.url).toBe(first.url);
    await eventually(
      async () => (await page.getByText(/cannot be reached|unreachable|not reach/i).count()) === 0,
    );
  });

  it('does not know an address, and says so', async () => {
    const page = await open('ada@acme.test');
    await page.goto('/no/such/page');
    await page.getByRole('heading', { name: /not found|no such|nothing/i }).waitFor();
  });
});

const PAGES = [
  '/settings/api-keys',
  '/projects',
  '/usage',
  '/audit-log',
  '/members',
  '/settings/organization',
  '/settings/account',
];

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('has nothing that axe objects to', async () => {
    const page = await openPage(browser, server.url, { colorScheme, reducedMotion: 'reduce' });
    await page.goto('/sign-in');
    await page.getByLabel('E-mail').waitFor();
    await expectAccessible(page, '/sign-in');
    await signInAs(page, 'ada@acme.test');
    for (const path of PAGES) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle').catch(() => undefined);
      await expectAccessible(page, path);
    }
    await page.goto('/settings/api-keys');
    const dialog = await createKey(page, `axe ${colorScheme}`);
    await dialog.getByLabel('Your API key').waitFor();
    await expectAccessible(page, 'the key that is shown once');
  });

  it('fits a narrow screen', async () => {
    const page = await openPage(browser, server.url, { colorScheme, viewport: { width: 360, height: 740 } });
    await signInAs(page, 'ada@acme.test');
    for (const path of PAGES) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  });
});
