import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findBrowser } from '../tooling/browser.mjs';

/** A headless Chromium that talks to nobody but the page's own server. */
export const launchBrowser = (): Promise<Browser> => {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error('No Chromium was found: set CHROMIUM_PATH, or run npm test.');
  return chromium.launch({
    executablePath,
    args: [
      // Chromium's own sandbox cannot be had as root, as containers and CI run it.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
};

/** A person of their own: cookies, storage and clipboard are shared with nobody. */
export const openPage = async (
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ baseURL: url, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return page;
};

export const signInAs = async (page: Page, email: string, password = 'demo-password'): Promise<void> => {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // The navigation is behind a button on a narrow screen; the landmark of the page is always there.
  await page.locator('main#content').waitFor();
};

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

type AxeViolation = { id: string; help: string; nodes: { html: string }[] };

/** Expects that axe finds nothing to complain about on the page as it is now. */
export const expectAccessible = async (page: Page, where: string): Promise<void> => {
  // Evaluated by the debugger, so that the page's own Content-Security-Policy stays in force.
  await page.evaluate(await readFile(axePath, 'utf8'));
  const violations = await page.evaluate<AxeViolation[]>(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  );
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join('\n  ')}`,
  );
  expect(told, where).toEqual([]);
};
