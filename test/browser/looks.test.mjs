// What every page owes everybody, with real data: no barrier that axe-core knows, no sideways scroll on a small phone, both themes, the keyboard.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dashboard, launch, owner, scrollsSideways, setUp, violations } from './browser.mjs';
import { start } from './server.mjs';

let browser;
let server;
let fresh;
let storageState;
before(async () => {
  [browser, server, fresh] = await Promise.all([launch(), start(), start({ demo: false })]);
  const page = await dashboard(browser);
  await setUp(page, server.origin);
  await page.evaluate(() => fetch('/api/v1/sites', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ domain: 'a-rather-long-subdomain-for-a-phone.example.org', timezone: 'Asia/Kathmandu' }) }));
  await server.demoReady(page);
  storageState = await page.context().storageState();
  await page.context().close();
});
after(async () => {
  await browser.close();
  await Promise.all([server.stop(), fresh.stop()]);
});

const ready = (selector) => (page) => page.locator(selector).first().waitFor();
const filled = async (page) => {
  await page.locator('.u-wrap').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0);
};
const long = 'a-rather-long-subdomain-for-a-phone.example.org';
const views = [
  ['sites', '/sites', ready('a.site .num')],
  ['add a site', '/sites/new', ready('form')],
  ['waiting', `/${long}/install`, ready('.waiting')],
  ['overview without events', `/${long}`, ready('.empty')],
  ['overview', '/demo.example', filled],
  ['overview, filtered', '/demo.example?period=7d&f=is,visit:source,Google,Bing&sources=channels&metric=bounce_rate', filled],
  ['real time', '/demo.example/realtime', ready('.bars .bar')],
  ['settings', '/demo.example/settings', ready('[name=key-name]')],
];

for (const dark of [false, true]) {
  for (const width of [1280, 320]) {
    test(`no barrier, no sideways scroll, the right theme: ${dark ? 'dark' : 'light'}, ${width} px`, async () => {
      const found = [];
      const outside = await dashboard(browser, { width, height: 760, dark });
      const inside = await dashboard(browser, { width, height: 760, dark, storageState });
      const look = async (page, name) => {
        found.push(...(await violations(page)).map((v) => `${name}: ${v}`));
        if (await scrollsSideways(page)) found.push(`${name}: scrolls sideways`);
        const lightness = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3);
        if (dark !== lightness < 128) found.push(`${name}: the background is ${lightness}`);
      };
      await outside.goto(`${fresh.origin}/setup`);
      await ready('form')(outside);
      await look(outside, 'setup');
      await outside.goto(`${server.origin}/login`);
      await ready('form')(outside);
      await look(outside, 'login');
      for (const [name, path, wait] of views) {
        await inside.goto(server.origin + path);
        await wait(inside);
        await look(inside, name);
      }
      found.push(...outside.problems, ...inside.problems);
      await Promise.all([outside.context().close(), inside.context().close()]);
      assert.deepEqual(found, []);
    });
  }
}

test('by keyboard alone: login, the site, a filter, its removal, real time and back', async () => {
  const page = await dashboard(browser);
  const focused = () => page.evaluate(() => { const e = document.activeElement; return `${e.getAttribute('name') ?? e.getAttribute('href') ?? ''} ${e.getAttribute('aria-label') ?? e.innerText}`.trim(); });
  /** Presses Tab until the focus is where it should be. */
  async function tabTo(want) {
    const way = [];
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab');
      way.push(await focused());
      if (want.test(way.at(-1))) return;
    }
    assert.fail(`Tab never reaches ${want}: ${way.join(' | ')}`);
  }
  await page.goto(`${server.origin}/login`);
  await page.locator('form').waitFor();
  await tabTo(/^email/);
  await page.keyboard.type(owner.email);
  await tabTo(/^password/);
  await page.keyboard.type(owner.password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/sites');
  await page.locator('a.site .num').first().waitFor();
  await tabTo(/^\/demo\.example/);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none', 'the focus is visible');
  await page.keyboard.press('Enter');
  await filled(page);
  await tabTo(/visit:source.*Google/s);
  await page.keyboard.press('Enter');
  await page.getByText('Source is Google').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('Source is Google').first().waitFor({ state: 'detached' });
  await page.keyboard.press('w');
  await page.waitForURL('**?period=7d');
  await page.keyboard.press('r');
  await page.waitForURL('**/realtime');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForURL(`${server.origin}/demo.example`);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});
