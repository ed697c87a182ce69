import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clipboard, createKey, row, useAdminApp } from './admin.ts';
import { eventually } from './server.ts';
import { get, type Key } from './session.ts';

const run = promisify(execFile);
const app = useAdminApp();
const PATH = '/settings/api-keys';

type Issued = { key: Key; token: string };

/** `requests`, or where this machine has none, as much of it as the snippet uses. */
const pythonPath = async (): Promise<Record<string, string>> => {
  const hasRequests = await run('python3', ['-c', 'import requests']).then(
    () => true,
    () => false,
  );
  if (hasRequests) return {};
  const folder = join(app.site.dataDir, 'python');
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
    const page = await app.open(await app.person('admin'), '/projects');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: 'API Keys' }).click();
    const dialog = await createKey(page, 'Zapier Integration');
    const token = await dialog.getByLabel('Your API key').inputValue();
    expect(token).toMatch(/^kaana_[0-9A-Za-z]{38}$/);
    await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
    expect(await clipboard(page)).toBe(token);
    await dialog.getByText('The key is in your clipboard').waitFor();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Download .env' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('zapier-integration.env');
    expect(await readFile(await download.path(), 'utf8')).toBe(`KAANA_API_KEY=${token}\n`);

    const copied: Record<string, string> = {};
    for (const language of ['cURL', 'JavaScript', 'Python', 'TypeScript client']) {
      await dialog.getByRole('tab', { name: language, exact: true }).click();
      await dialog.getByRole('button', { name: `Copy ${language}` }).click();
      copied[language] = await clipboard(page);
      expect(copied[language]).toContain(app.server.url);
      expect(copied[language]).toContain(token);
    }
    const folder = app.site.dataDir;
    await writeFile(join(folder, 'snippet.mjs'), copied.JavaScript ?? '');
    const env = { ...process.env, ...(await pythonPath()) };
    const results = async () => [
      (await run('bash', ['-c', `${copied.cURL} --silent`])).stdout,
      (await run(process.execPath, [join(folder, 'snippet.mjs')])).stdout,
      (await run('python3', ['-c', copied.Python ?? ''], { env })).stdout,
    ];
    for (const output of await results()) expect(output).toContain('Data warehouse');

    // What is shown once does not go away by accident, and afterwards is nowhere.
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: /stored it/ }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(token);
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie]),
    );
    expect(kept).not.toContain(token.slice(12));

    // It moves by itself, without a reload.
    await row(page, 'Zapier Integration')
      .getByText(/ago|now/)
      .first()
      .waitFor();
    await row(page, 'Zapier Integration').getByRole('button', { name: 'Revoke' }).click();
    const confirmation = page.getByRole('alertdialog');
    await confirmation.getByText('This key is in use').waitFor();
    expect(await confirmation.textContent()).toContain('cannot be undone');
    // In use: a click alone does not revoke it.
    await confirmation.getByRole('button', { name: 'Revoke key' }).click();
    await confirmation.getByText('Type the name of the key: Zapier Integration').waitFor();
    await confirmation.getByLabel(/Type “Zapier Integration”/).fill('Zapier Integration');
    await confirmation.getByRole('button', { name: 'Revoke key' }).click();
    await row(page, 'Zapier Integration').getByText('Revoked', { exact: true }).waitFor();
    for (const output of await results()) expect(output).toContain('Invalid API Key');
  });

  it('can be done with the keyboard alone', async () => {
    const { email, password } = await app.person('member');
    const page = await app.open(null, PATH);
    await page.getByLabel('E-mail').waitFor();
    await page.keyboard.type(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: '+ Create API Key' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByLabel('Name').waitFor();
    await page.keyboard.type('By keyboard');
    await page.keyboard.press('Enter');
    await page.getByLabel('Your API key').waitFor();
    await page.keyboard.press('Enter');
    await eventually(async () => (await clipboard(page)).startsWith('kaana_'));
    await page.getByRole('button', { name: /stored it/ }).focus();
    await page.keyboard.press('Enter');
    await row(page, 'By keyboard').getByRole('button', { name: 'Revoke' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    // The focus is back where it came from; the same way ends it now.
    await page.keyboard.press('Enter');
    await page.getByText('Nothing will break.').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await row(page, 'By keyboard').getByText('Revoked', { exact: true }).waitFor();
  });
});

describe('the list', () => {
  it('is searched, filtered and sorted, in the address too, and finds a key by the key itself', async () => {
    const person = await app.person('member', 'globex');
    for (const name of ['banana', 'Apple', 'cherry']) await person.mutate('keys.create', { name });
    const { token } = await person.mutate<Issued>('keys.create', { name: 'Date' });
    const page = await app.open(person, PATH);
    const names = () => page.getByRole('rowheader').allInnerTexts();
    const firstWords = async () => (await names()).map((text) => text.split(/\s/)[0]);
    await row(page, 'banana').waitFor();
    await page.getByRole('columnheader').getByRole('button', { name: 'Name' }).click();
    await eventually(async () => (await firstWords()).join() === 'Apple,banana,cherry,Date');
    expect(page.url()).toContain('sort=name-asc');
    await page.getByRole('columnheader').getByRole('button', { name: 'Name' }).click();
    await eventually(async () => (await firstWords()).join() === 'Date,cherry,banana,Apple');
    await page.getByRole('searchbox', { name: 'Search API keys' }).fill('an');
    await eventually(async () => (await firstWords()).join() === 'banana');
    await page.reload();
    await row(page, 'banana').waitFor();
    expect(await page.getByRole('rowheader').count()).toBe(1);
    await page.getByRole('searchbox', { name: 'Search API keys' }).fill(token);
    await eventually(async () => (await firstWords()).join() === 'Date');
    expect(page.url()).not.toContain(token.slice(12));
    await page.getByRole('tab', { name: 'Revoked' }).click();
    await page.getByText('No keys match').waitFor();
    await page.getByRole('button', { name: 'Show all keys' }).click();
    await eventually(async () => (await names()).length === 4);
  });

  it('shows what somebody else does in another browser, and draws no more rows than are in sight', async () => {
    const person = await app.person('member', 'globex');
    for (let count = 0; count < 120; count++)
      await person.mutate('keys.create', { name: `number ${count}.` });
    const [mine, theirs] = await Promise.all([
      app.open(person, `${PATH}?status=active`),
      app.open(person, PATH),
    ]);
    await row(mine, 'number 119.').waitFor();
    await row(theirs, 'number 119.').getByRole('button', { name: 'Revoke' }).click();
    await theirs.getByRole('alertdialog').getByRole('button', { name: 'Revoke key' }).click();
    await row(mine, 'number 119.').waitFor({ state: 'detached' });
    await createKey(theirs, 'brand new').then((dialog) =>
      dialog.getByRole('button', { name: /stored it/ }).click(),
    );
    await row(mine, 'brand new').waitFor();
    expect(await mine.getByRole('row').count()).toBeLessThan(60);
    expect(Number(await mine.getByRole('table').getAttribute('aria-rowcount'))).toBeGreaterThan(60);
    await eventually(async () => {
      await mine.mouse.wheel(0, 3_000);
      return row(mine, 'number 0.').isVisible();
    });
  });

  it('says what to do when there are five active keys, and keeps what was typed', async () => {
    const person = await app.person('member');
    for (let count = 0; count < 5; count++) await person.mutate('keys.create', { name: `filler ${count}` });
    const page = await app.open(person, PATH);
    await page.getByText('You use 5 of the 5 active keys').waitFor();
    const dialog = await createKey(page, 'One too many');
    await dialog.getByText('Revoke one that is no longer needed').waitFor();
    expect(await dialog.getByLabel('Name').inputValue()).toBe('One too many');
  });

  it('makes a key that may do no more than was ticked, from the addresses that were typed', async () => {
    const person = await app.person('admin', 'globex');
    const page = await app.open(person, `${PATH}?create`);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('narrow');
    await dialog.getByText('More options').click();
    await dialog.getByText('Only what I choose').click();
    await dialog.getByRole('checkbox', { name: 'See projects' }).check();
    await dialog.getByLabel('Allowed IP addresses').fill('not an address');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.getByText('“not” is not an IP address').waitFor();
    await dialog.getByLabel('Allowed IP addresses').fill('127.0.0.1');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    const token = await dialog.getByLabel('Your API key').inputValue();
    expect((await get(app.server.url, '/api/projects', token)).status).toBe(200);
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(403);
  });
});

describe("a key's own page", () => {
  it('has an address, says whether it is safe to remove, and renames with a way back', async () => {
    const person = await app.person('admin');
    const { key } = await person.mutate<Issued>('keys.create', { name: 'First name' });
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByText('Safe to remove: it was never used').waitFor();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Second name');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Second name', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { name: 'First name', level: 1 }).waitFor();
    // Its history, which the undo is part of.
    await page
      .getByRole('table', { name: /History/ })
      .getByText('Created API key')
      .waitFor();
    await page.goto(`${PATH}/key_nobody_has`);
    await page.getByRole('heading', { name: 'No such API key' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'First name', level: 1 }).waitFor();
  });

  it('rotates, shows who still uses the old secret, live, and lets both work', async () => {
    const person = await app.person('member', 'globex');
    const { key, token: old } = await person.mutate<Issued>('keys.create', { name: 'To rotate' });
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByRole('button', { name: 'Rotate' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Rotate key' }).click();
    const token = await dialog.getByLabel('Your API key').inputValue();
    expect(token).not.toBe(old);
    await dialog.getByRole('button', { name: /stored it/ }).click();
    await page.getByText('Rotation in progress').waitFor();
    await page.getByText('Nobody has used the new secret yet.').waitFor();
    expect((await get(app.server.url, '/api/user', old)).status).toBe(200);
    expect((await get(app.server.url, '/api/user', token)).status).toBe(200);
    await page.getByText('The new secret was used after the old one.').waitFor();
    await page.getByRole('button', { name: 'End now' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop old secret' }).click();
    await page.getByText('Rotation in progress').waitFor({ state: 'detached' });
    expect((await get(app.server.url, '/api/user', old)).status).toBe(401);
    expect((await get(app.server.url, '/api/user', token)).status).toBe(200);
  });

  it('takes a rotation back that nobody has used', async () => {
    const person = await app.person('member', 'globex');
    const { key, token: old } = await person.mutate<Issued>('keys.create', { name: 'To keep' });
    const { token } = await person.mutate<Issued>('keys.rotate', { id: key.id });
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByText('Stops 24 hours after the new one is used').waitFor();
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByText('Rotation in progress').waitFor({ state: 'detached' });
    expect((await get(app.server.url, '/api/user', old)).status).toBe(200);
    expect((await get(app.server.url, '/api/user', token)).status).toBe(401);
  });

  it('narrows what a key may do, from the next request on', async () => {
    const person = await app.person('member', 'globex');
    const { key, token } = await person.mutate<Issued>('keys.create', { name: 'To narrow' });
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(200);
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByRole('button', { name: 'Change limits' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Only what I choose').click();
    await dialog.getByRole('checkbox', { name: 'See projects' }).check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(403);
    expect((await get(app.server.url, '/api/projects', token)).status).toBe(200);
  });
});

describe('a key that is revoked', () => {
  it('says who still tries it', async () => {
    const person = await app.person('member', 'globex');
    const { key, token } = await person.mutate<Issued>('keys.create', { name: 'Forgotten' });
    await person.mutate('keys.revoke', { id: key.id });
    expect((await get(app.server.url, '/api/user', token)).status).toBe(401);
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByText('Still tried, and refused').waitFor();
    await page
      .getByRole('listitem')
      .filter({ hasText: 'the key is revoked' })
      .getByText('1 attempt')
      .waitFor();
  });
});

describe('limits that only report', () => {
  it('show what they would refuse, and refuse it once they are enforced', async () => {
    const person = await app.person('member', 'globex');
    const { key, token } = await person.mutate<Issued>('keys.create', { name: 'On trial' });
    const page = await app.open(person, `${PATH}/${key.id}`);
    await page.getByRole('button', { name: 'Change limits' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Only what I choose').click();
    await dialog.getByRole('checkbox', { name: 'See projects' }).check();
    await dialog.getByLabel('Requests beyond these permissions').click();
    await page.getByRole('option', { name: 'Only report what it would refuse' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing so far').waitFor();
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(200);
    await page.getByRole('listitem').filter({ hasText: 'keys:read' }).getByText('1 request').waitFor();
    await page.getByRole('button', { name: 'Enforce now' }).click();
    await page.getByText('What would be refused').waitFor({ state: 'detached' });
    expect((await get(app.server.url, '/api/keys', token)).status).toBe(403);
  });
});
