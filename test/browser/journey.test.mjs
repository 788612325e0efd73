// From an empty directory to a live dashboard: setup, a site, the snippet on somebody's page, the first visitor, hostile visitors, a kill.
// The tests of this file follow each other as the owner's first hour does.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { ask, dashboard, figure, launch, owner, setUp, visitor } from './browser.mjs';
import { start, until } from './server.mjs';
import { steps } from './steps.mjs';
import { website } from './website.mjs';

const test = steps();

const domain = 'blog.example.org';
const today = { site_id: domain, date_range: 'day', metrics: ['visitors', 'pageviews', 'events'] };

let browser;
let server;
let page;
let site;
before(async () => {
  [browser, server] = await Promise.all([launch(), start({ demo: false })]);
  page = await dashboard(browser, { timezoneId: 'Europe/Berlin' });
});
after(async () => {
  await browser.close();
  await site?.stop();
  await server.stop();
});

const counted = (n) => until(`${n} pageviews are counted`, async () => (await ask(page, today))[0].metrics[1] >= n);
const noProblems = (...pages) => assert.deepEqual(pages.flatMap((p) => p.problems), []);

test('setup, then a site with a time zone, then the snippet that waits', async () => {
  await setUp(page, server.origin);
  assert.equal(await page.inputValue('[name=timezone]'), 'Europe/Berlin', 'the browser\'s time zone is proposed');
  await page.selectOption('[name=timezone]', 'America/St_Johns');
  await page.fill('[name=domain]', 'not a domain');
  await page.getByRole('button', { name: 'Add site' }).click();
  await page.getByText('Enter a domain such as example.com').waitFor();
  await page.fill('[name=domain]', 'https://Blog.example.org/about');
  await page.getByRole('button', { name: 'Add site' }).click();
  await page.waitForURL(`**/${domain}/install`);
  await page.getByText('Waiting for the first event').waitFor();
  const { site: made } = await page.evaluate((d) => fetch(`/api/v1/sites/${d}`).then((r) => r.json()), domain);
  assert.equal(made.timezone, 'America/St_Johns');
  assert.equal(await page.getByLabel('Snippet').textContent(), `<script defer src="${server.origin}/js/footfall.js" data-site="${made.tracking_id}"></script>`);
  noProblems(page);
});

test('a second browser opens a page of another origin with that snippet: the waiting page turns, the overview counts, all without a reload', async () => {
  const snippet = await page.getByLabel('Snippet').textContent();
  site = await website(snippet);
  assert.notEqual(new URL(site.origin).host, new URL(server.origin).host);
  await page.evaluate(() => (globalThis.sameDocument = true));

  const anna = await visitor(browser);
  await anna.goto(`${site.origin}/hello?utm_source=letter&utm_campaign=spring`);
  await until('the visitor\'s script sent something', () => anna.sent.length > 0);
  await page.getByText('The first event is here').waitFor();
  const turned = Date.now() - anna.sent[0].at;
  await page.getByRole('link', { name: 'Open the dashboard' }).click();
  await page.getByRole('button', { name: /^Visitors 1/ }).waitFor();
  await page.getByRole('link', { name: /^\/hello 1 Visitors/ }).waitFor();

  const ben = await visitor(browser);
  await ben.goto(`${site.origin}/second`);
  await until('the second visitor\'s script sent something', () => ben.sent.length > 0);
  // One address and one browser are one visitor: no cookie, no fingerprint tells them apart.
  await page.getByRole('link', { name: /^\/second 1 Visitors/ }).waitFor();
  const shown = Date.now() - ben.sent[0].at;
  await page.getByRole('button', { name: /^Pageviews 2/ }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, 'nothing was reloaded');
  console.log(`# waiting page turned ${turned} ms after the request, the open overview showed a new page view after ${shown} ms`);

  const [{ metrics }] = await ask(page, today);
  assert.deepEqual([await figure(page, 'Visitors'), await figure(page, 'Pageviews'), await figure(page, 'Events')], metrics);
  noProblems(page, anna, ben);
  await anna.context().close();
  await ben.context().close();
});

test('the visited page: nothing is stored; a page in history is counted; what is left says how long it was read', async () => {
  const carl = await visitor(browser);
  await carl.goto(`${site.origin}/stay`);
  await until('the page view left', () => carl.sent.length > 0);
  await carl.evaluate(() => history.pushState({}, '', '/stay/deeper'));
  await until('the page view of the new address left', () => carl.sent.some((s) => s.body.includes('/stay/deeper')));
  assert.deepEqual(await carl.context().cookies(), []);
  assert.deepEqual(await carl.evaluate(async () => [document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, (await caches.keys()).length]), ['', 0, 0, 0, 0]);
  await carl.goto('about:blank');
  await until('the reading time left with the page', () => carl.sent.some((s) => s.body.includes('"engagement"')));
  await counted(4);
  noProblems(carl);
  await carl.context().close();
});

test('a browser that asks not to be tracked sends nothing', async () => {
  const [{ metrics: [, had] }] = await ask(page, today);
  const dora = await visitor(browser, { gpc: true });
  await dora.goto(`${site.origin}/private`);
  assert.equal(await dora.evaluate(() => navigator.globalPrivacyControl), true);
  await dora.evaluate(() => globalThis.footfall?.trackEvent('video', 'play'));
  await dora.evaluate(() => history.pushState({}, '', '/private/2'));
  await dora.goto('about:blank');
  const erik = await visitor(browser);
  await erik.goto(`${site.origin}/after-private`);
  await counted(had + 1);
  assert.deepEqual(dora.sent, []);
  const pages = (await ask(page, { ...today, dimensions: ['event:page'] })).map((r) => r.dimensions[0]);
  assert.ok(pages.includes('/after-private') && !pages.some((p) => p.startsWith('/private')), pages.join(' '));

  // Whoever sends by other means is stopped at the door, and the ledger says so.
  const { tracking_id } = (await page.evaluate((d) => fetch(`/api/v1/sites/${d}`).then((r) => r.json()), domain)).site;
  await send(server.origin, [{ type: 'pageview', tracking_id, data: { page: '/private' } }], { 'Sec-GPC': '1' });
  const ledger = () => page.evaluate((body) => fetch('/api/v2/explain', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }).then((r) => r.json()).then((r) => r.ledger), JSON.stringify(today));
  await until('the ledger has one event filtered for gpc', async () => (await ledger()).filtered.gpc === 1);
  await Promise.all([dora.context().close(), erik.context().close()]);
});

async function send(origin, events, headers = {}) {
  const reply = await fetch(`${origin}/v1/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15', 'Accept-Language': 'en', ...headers },
    body: JSON.stringify(events),
  });
  assert.equal(reply.status, 200);
  const answer = await reply.json();
  assert.equal(answer.rejected, undefined, JSON.stringify(answer));
  return answer;
}

const hostile = ['<img src=x onerror=globalThis.pwned=1>', '"><script>globalThis.pwned=1</script>', '\'"--><svg/onload=globalThis.pwned=1>', '{{constructor.constructor("globalThis.pwned=1")()}}'];

test('hostile text stays text, wherever it is shown', async () => {
  const { tracking_id } = (await page.evaluate((d) => fetch(`/api/v1/sites/${d}`).then((r) => r.json()), domain)).site;
  const events = hostile.flatMap((bad) => [
    { type: 'pageview', tracking_id, data: { page: `/${bad}`, title: bad, referrer: `https://${bad}/` }, context: { url: `https://${domain}/${bad}?utm_source=${encodeURIComponent(bad)}&utm_medium=${encodeURIComponent(bad)}&utm_campaign=${encodeURIComponent(bad)}&utm_term=${encodeURIComponent(bad)}&utm_content=${encodeURIComponent(bad)}`, language: bad, screen: bad } },
    { type: 'event', tracking_id, data: { name: bad, category: bad, action: bad, label: bad, properties: { [bad.slice(0, 60)]: bad } }, context: { hostname: bad } },
  ]);

  // Each of them opens a visit of its own, so that each becomes a source.
  const one = (i) => events.slice(2 * i, 2 * i + 2);
  await page.goto(`${server.origin}/${domain}/realtime`);
  await page.getByText('Live', { exact: true }).waitFor();
  for (let i = 0; i < hostile.length; i++) await send(server.origin, one(i), { 'User-Agent': `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${130 + i}.0.0.0 Safari/537.36` });
  for (const bad of hostile) {
    await page.locator('.feed').getByText(`/${bad}`, { exact: true }).first().waitFor();
    await page.locator('.feed').getByText(bad, { exact: true }).first().waitFor();
  }

  const panels = ['f=contains,event:page,pwned', 'sources=campaigns', 'sources=campaigns&tag=utm_campaign', 'sources=campaigns&tag=utm_medium', 'sources=campaigns&tag=utm_content', 'sources=campaigns&tag=utm_term', 'pages=entry', 'pages=exit', 'sources=channels'];
  for (const query of panels) {
    await page.goto(`${server.origin}/${domain}?period=day&${query}`);
    for (const bad of hostile) await page.getByRole('link').filter({ hasText: bad }).first().waitFor();
  }
  for (const bad of hostile) {
    await page.goto(`${server.origin}/${domain}?period=day&f=contains,event:page,pwned`);
    await page.getByRole('link').filter({ hasText: `/${bad}` }).first().click();
    await page.getByText(`Page is /${bad}`).first().waitFor();
    await page.getByRole('button', { name: 'About these numbers: Key figures' }).click();
    await page.getByRole('button', { name: 'How was this computed?' }).click();
    await page.locator('dialog pre').first().waitFor();
    await page.reload();
    await page.getByText(`Page is /${bad}`).first().waitFor();
  }
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  noProblems(page);
});

test('killed and started again: login, site and every figure are there', async () => {
  await page.goto(`${server.origin}/${domain}?period=day`);
  await page.getByRole('button', { name: /^Visitors [1-9]/ }).waitFor();
  const before = await ask(page, { ...today, dimensions: ['event:page'] });
  page.expect(/ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE/);
  await server.kill();
  await server.run();
  await page.reload();
  await page.getByRole('button', { name: /^Visitors [1-9]/ }).waitFor();
  assert.deepEqual(await ask(page, { ...today, dimensions: ['event:page'] }), before);
  const frieda = await visitor(browser);
  await frieda.goto(`${site.origin}/after-the-kill`);
  await page.getByRole('link', { name: /^\/after-the-kill 1 Visitors/ }).waitFor();

  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('**/login');
  page.expect(/401 \(Unauthorized\).*\/api\/v1\/login$/);
  await page.fill('[name=email]', owner.email);
  await page.fill('[name=password]', 'not the password');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await page.fill('[name=password]', owner.password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/sites');
  await page.getByRole('link', { name: new RegExp(domain) }).waitFor();
  noProblems(page, frieda);
});
