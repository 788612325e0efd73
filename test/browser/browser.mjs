// Two kinds of browser pages: those of the owner, who reads the dashboard, and those of visitors, who are counted.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // Visitors here stand for people. A browser that says a program drives it is rightly left out of the numbers.
  '--disable-blink-features=AutomationControlled'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const owner = { email: 'ada@example.org', password: 'plum Anchor 42' };

export async function launch() {
  assert.ok(existsSync(executablePath), `no browser at ${executablePath}: install chromium or set CHROMIUM`);
  return chromium.launch({ executablePath, args });
}

/**
 * A page of the dashboard. `problems` takes every script error, console error, dialog and breach of the content security policy;
 * `expect(pattern)` names those that a test brings about itself.
 */
export async function dashboard(browser, { width = 1280, height = 900, dark = false, phone = false, timezoneId = 'UTC', storageState } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', isMobile: phone, hasTouch: phone, timezoneId, storageState, reducedMotion: 'reduce' });
  return watch(await context.newPage());
}

function watch(page) {
  // Before the login the browser itself reports the 401 of "who am I".
  const expected = [/401 \(Unauthorized\).*\/api\/v1\/me$/];
  page.setDefaultTimeout(20_000);
  page.problems = [];
  page.expect = (pattern) => expected.push(pattern);
  const note = (text) => expected.some((e) => e.test(text)) || page.problems.push(text);
  page.on('pageerror', (error) => note(`script error: ${error.stack ?? error}`));
  page.on('dialog', (dialog) => { note(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.on('console', (message) => message.type() === 'error' && note(`console: ${message.text()} ${message.location().url}`));
  return page;
}

/** A visitor as most are: a current desktop browser, no signal, nothing remembered. `gpc` asks not to be tracked. */
export async function visitor(browser, { gpc = false } = {}) {
  const userAgent = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version().split('.')[0]}.0.0.0 Safari/537.36`;
  const context = await browser.newContext({ userAgent, locale: 'de-DE', viewport: { width: 1280, height: 800 }, extraHTTPHeaders: gpc ? { 'Sec-GPC': '1' } : {} });
  if (gpc) await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true }));
  const page = watch(await context.newPage());
  page.sent = [];
  page.on('request', (request) => request.url().includes('/v1/events') && page.sent.push({ at: Date.now(), body: request.postData() ?? '' }));
  return page;
}

/** The first-run page, as the owner fills it in. */
export async function setUp(page, origin) {
  await page.goto(`${origin}/`);
  await page.waitForURL('**/setup');
  await page.fill('[name=email]', owner.email);
  await page.fill('[name=password]', owner.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.waitForURL('**/sites/new');
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

/** Asks the API from inside the page, with the cookie of the login. */
export const ask = (page, body) => page.evaluate(async (text) => {
  const reply = await fetch('/api/v2/query', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: text });
  if (!reply.ok) throw new Error(await reply.text());
  return (await reply.json()).results;
}, JSON.stringify(body));

/** The exact key figure that the overview shows, as a number. */
export async function figure(page, label) {
  const title = await page.getByRole('button', { name: new RegExp(`^${label} [\\d–]`) }).locator('.value').getAttribute('title');
  return Number(title.replaceAll(',', ''));
}
