import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { row, useAdminApp } from './admin.ts';
import { expectAccessible } from './browser.ts';
import { startReceiver } from './receiver.ts';

const app = useAdminApp();

it('webhooks are added, tested, looked into, rotated, disabled and deleted', async () => {
  await using receiver = await startReceiver();
  const page = await app.open(await app.person('admin'), '/settings/webhooks?create');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('URL').fill('https://10.0.0.1/');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByText('Leads to an address that is not public.').waitFor();
  await dialog.getByLabel('URL').fill(receiver.url);
  await dialog.getByLabel('Description').fill('Our receiver');
  await dialog.getByText('Only what I choose').click();
  await dialog.getByRole('checkbox', { name: 'Key revoked' }).check();
  await expectAccessible(page, 'the form of a webhook');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const secret = await dialog.getByLabel('Signing secret').inputValue();
  await expectAccessible(page, 'the secret that is shown once');
  await dialog.getByRole('button', { name: /Done/ }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await page.content()).not.toContain(secret);

  await row(page, 'Our receiver').getByText('Key revoked').waitFor();
  await page.getByRole('link', { name: 'Our receiver' }).click();
  await page.getByRole('heading', { name: 'Our receiver', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Send test event' }).click();
  const delivery = row(page, 'Test event');
  await delivery.getByText('Delivered').waitFor();
  await delivery.getByText(/^204, after/).waitFor();
  const [{ body, headers } = { body: '', headers: {} }] = receiver.received;
  expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'webhook.test' });
  await delivery.getByRole('button', { name: 'Details' }).click();
  await dialog.getByRole('region', { name: 'Body' }).getByText('webhook.test').waitFor();
  await expectAccessible(page, 'a delivery');
  await page.keyboard.press('Escape');
  await delivery.getByRole('button', { name: 'Resend' }).click();
  await delivery.getByRole('cell', { name: '2', exact: true }).waitFor();
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);

  await page.getByRole('button', { name: 'Rotate secret' }).click();
  await dialog.getByRole('button', { name: 'Rotate secret' }).click();
  expect(await dialog.getByLabel('Signing secret').inputValue()).not.toBe(secret);
  await dialog.getByRole('button', { name: /Done/ }).click();
  await page.getByText('the one before signs too').waitFor();
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('This webhook is disabled').waitFor();
  await expectAccessible(page, 'a webhook');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete webhook' }).click();
  await page.getByText('No webhooks yet').waitFor();
});

it('webhooks are for admins', async () => {
  const page = await app.open(await app.person('member'), '/settings/webhooks');
  await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor();
  await page.getByText('organization:write').first().waitFor();
  expect(await page.getByRole('button', { name: 'Add webhook' }).count()).toBe(0);
});
