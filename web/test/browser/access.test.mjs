import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from '../fixture.mjs';
import { launch, login, openPage, scrollsSideways, violations } from './browser.mjs';

let browser;
let filled;
let fresh;
before(async () => {
  [browser, filled, fresh] = await Promise.all([launch(), start({ days: 40 }), start({ filled: false })]);
});
after(async () => {
  await browser.close();
  await Promise.all([filled.stop(), fresh.stop()]);
});

const settled = (page, selector) => page.locator(selector).first().waitFor();
const dashboard = (page) => settled(page, '.u-wrap');

/** Every page and state that is looked at: name, path, and what makes it ready. */
const views = [
  ['sites', '/sites', (page) => settled(page, 'a.site .num')],
  ['add a site', '/sites/new', (page) => settled(page, 'form')],
  ['waiting', '/empty.example.org/install', (page) => settled(page, '.waiting')],
  ['arrived', '/shop.example.com/install', (page) => settled(page, '.arrived')],
  ['settings', '/shop.example.com/settings', (page) => settled(page, '.none')],
  ['overview', '/shop.example.com', dashboard],
  ['overview, filtered', '/shop.example.com?period=91d&f=is,visit:source,Google,Bing&f=contains,event:page,/blog&sources=campaigns&places=cities&metric=visit_duration', dashboard],
  ['overview, today by minute', '/shop.example.com?period=day&interval=minute&compare=off', dashboard],
  ['overview, no rows', '/empty.example.org', dashboard],
  ['real time', '/shop.example.com/realtime', (page) => settled(page, '.bars .bar')],
  ['real time, no rows', '/empty.example.org/realtime', (page) => settled(page, '.bars .bar')],
  ['missing', '/nowhere.example', (page) => settled(page, '.missing')],
  ['period picker', '/shop.example.com', async (page) => { await dashboard(page); await page.keyboard.press('c'); await settled(page, 'input[type=date]'); }],
  ['about', '/shop.example.com', async (page) => { await dashboard(page); await page.getByRole('button', { name: 'About these numbers: Top pages' }).click(); }],
  ['explain', '/shop.example.com', async (page) => { await dashboard(page); await page.getByRole('button', { name: /^About these numbers: Key/ }).click(); await page.getByRole('button', { name: 'How was this computed?' }).click(); await settled(page, 'dialog pre'); }],
  ['details', '/shop.example.com', async (page) => { await dashboard(page); await page.getByRole('button', { name: /Details.*Sources/ }).click(); await settled(page, 'dialog tbody a'); }],
  ['filter dialog', '/shop.example.com', async (page) => { await dashboard(page); await page.keyboard.press('/'); await settled(page, 'dialog form'); }],
  ['shortcuts', '/shop.example.com', async (page) => { await dashboard(page); await page.keyboard.press('?'); await settled(page, 'dialog kbd'); }],
  ['account menu', '/shop.example.com', async (page) => { await dashboard(page); await page.getByRole('button', { name: 'Account' }).click(); await settled(page, '.who'); }],
];

async function look(page, name) {
  await page.waitForTimeout(120);
  const found = await violations(page);
  if (await scrollsSideways(page)) found.push('scrolls sideways');
  return [...found, ...page.problems].map((text) => `${name}: ${text}`);
}

for (const dark of [false, true]) {
  for (const width of [1280, 320]) {
    test(`no barrier and no sideways scroll: ${dark ? 'dark' : 'light'}, ${width} px`, async () => {
      const page = await openPage(browser, { width, height: 760, dark });
      const found = [];
      await page.goto(`${fresh.origin}/setup`);
      await settled(page, 'form');
      found.push(...(await look(page, 'setup')));
      await page.goto(`${filled.origin}/login`);
      await settled(page, 'form');
      found.push(...(await look(page, 'login')));
      await login(page, filled.origin);
      for (const [name, path, ready] of views) {
        await page.goto(filled.origin + path);
        await ready(page);
        found.push(...(await look(page, name)));
      }
      await page.context().close();
      assert.deepEqual(found, []);
    });
  }
}

test('the chosen theme is kept and set before the first paint', async () => {
  const page = await openPage(browser);
  await login(page, filled.origin);
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await page.reload({ waitUntil: 'commit' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await page.context().close();
});
