// The browser of the tests: Chromium, headless, nothing fetched but the page. CHROMIUM names another binary.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  assert.ok(existsSync(executablePath), `no browser at ${executablePath}: install chromium or set CHROMIUM`);
  return chromium.launch({ executablePath, args });
}

/** A page that fails the test on any script error and any breach of the content security policy. */
export async function openPage(browser, { width = 1280, height = 900, dark = false, timezoneId = 'Europe/Berlin' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', timezoneId, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error.stack ?? error)));
  page.on('console', (message) => /Content Security Policy|Uncaught/.test(message.text()) && page.problems.push(message.text()));
  return page;
}

export async function login(page, origin) {
  await page.goto(`${origin}/login`);
  await page.fill('[name=email]', 'ada@example.org');
  await page.fill('[name=password]', 'correct horse');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/sites');
}

/** The rules of WCAG 2.2 A and AA and the best practices, by axe-core. Evaluated through the debugger, which the policy does not bind. */
export async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations: found } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return found.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ''}`).join(' | ')}`);
  });
}

export const scrollsSideways = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
