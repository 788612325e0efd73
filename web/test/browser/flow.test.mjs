import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from '../fixture.mjs';
import { launch, login, openPage } from './browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** Runs a test with a server and a page of its own, and looks for script errors at its end. */
const withPage = (options, run) => async () => {
  const server = await start(options.server);
  const page = await openPage(browser, options.page);
  try {
    await run(page, server);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.context().close();
    await server.stop();
  }
};
const queries = (server) => server.state.log.filter((l) => l.path === '/api/v2/query').map((l) => l.body);
const address = (page) => decodeURIComponent(new URL(page.url()).search);

test('first run: setup, a site, its first event, the dashboard', withPage({ server: { filled: false } }, async (page, server) => {
  await page.goto(`${server.origin}/`);
  await page.waitForURL('**/setup');
  await page.fill('[name=email]', 'grace@example.org');
  await page.fill('[name=password]', 'short');
  await page.getByText('5 more characters').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('password is shorter than 10 characters').waitFor();
  await page.fill('[name=password]', 'plum Anchor 42');
  await page.getByText('Strong').waitFor();
  await page.keyboard.press('Enter');

  await page.waitForURL('**/sites/new');
  assert.equal(await page.inputValue('[name=timezone]'), 'Europe/Berlin');
  await page.fill('[name=domain]', 'https://New.example.com/welcome');
  await page.keyboard.press('Enter');

  await page.waitForURL('**/new.example.com/install');
  const snippet = await page.getByLabel('Snippet').textContent();
  assert.equal(snippet, `<script defer src="${server.origin}/js/footfall.js" data-site="ff_newexamplecom"></script>`);
  await page.getByText('Waiting for the first event').waitFor();
  server.visit('new.example.com');
  await page.getByText('The first event is here').waitFor();
  await page.getByRole('link', { name: 'Open the dashboard' }).click();
  await page.getByRole('button', { name: 'Visitors 1' }).waitFor();
  assert.ok(queries(server).some((q) => q.date_range === 'day'), 'a young site begins with today');
}));

test('a click on a row filters: address, chip, request', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com`);
  await page.getByRole('link', { name: /^Google / }).click();
  await page.getByText('Source is Google').waitFor();
  assert.equal(address(page), '?f=is,visit:source,Google');
  await page.getByRole('link', { name: /^Germany / }).click();
  await page.getByText('Country is Germany').waitFor();
  const asked = queries(server).filter((q) => q.filters?.length === 2);
  assert.ok(asked.length >= 7, 'figures, graph and panels all ask with both filters');
  for (const q of asked) assert.deepEqual(q.filters, [['is', 'visit:source', ['Google']], ['is', 'visit:country', ['DE']]]);

  await page.getByRole('button', { name: 'Remove filter Source is Google' }).click();
  await page.getByText('Source is Google').waitFor({ state: 'detached' });
  assert.equal(address(page), '?f=is,visit:country,DE');
  await page.goBack();
  await page.getByText('Source is Google').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('Country is Germany').waitFor({ state: 'detached' });
  assert.equal(address(page), '');
}));

test('period, metric, interval and tabs live in the address', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com`);
  await page.getByRole('button', { name: 'Period: Last 28 days' }).click();
  await page.getByRole('button', { name: 'Last 7 days' }).click();
  await page.getByRole('button', { name: /^Bounce rate/ }).click();
  await page.getByRole('tab', { name: 'Channels' }).click();
  await page.getByLabel('Interval').selectOption('hour');
  assert.equal(address(page), '?period=7d&metric=bounce_rate&interval=hour&sources=channels');
  await page.reload();
  await page.getByRole('link', { name: /^Organic Search / }).waitFor();
  assert.ok(queries(server).some((q) => q.date_range === '7d' && q.metrics[0] === 'bounce_rate' && q.dimensions[0] === 'time:hour'));
  const figures = queries(server).filter((q) => q.date_range === '7d' && q.metrics.length === 7);
  const [from, to] = figures.at(-1).include.compare;
  assert.equal((Date.parse(to) - Date.parse(from)) / 86_400_000, 6);
}));

test('details: search, sort, more, CSV', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com`);
  await page.getByRole('button', { name: /Details.*Top pages/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('14 rows').waitFor();
  await dialog.getByRole('button', { name: 'Pageviews' }).click();
  await dialog.getByLabel('Search').fill('BLOG');
  await dialog.getByText('2 rows').waitFor();
  const asked = queries(server).at(-1);
  assert.deepEqual(asked.filters, [['contains', 'event:page', ['BLOG'], { case_sensitive: false }]]);
  assert.deepEqual(asked.order_by, [['pageviews', 'desc'], ['event:page', 'asc']]);
  const [saved] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Download CSV' }).click()]);
  assert.equal(saved.suggestedFilename(), 'shop.example.com-page.csv');
  await dialog.getByRole('link', { name: '/blog', exact: true }).click();
  await page.getByText('Page is /blog').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
}));

test('every number says where it came from', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com`);
  await page.getByRole('button', { name: 'About these numbers: Key figures' }).click();
  await page.getByText('Exact: every event was counted.').waitFor();
  await page.getByRole('button', { name: 'How was this computed?' }).click();
  await page.getByText('select count(distinct user_id)').waitFor();
  await page.getByRole('row', { name: 'Received 1,234' }).waitFor();
}));

test('real time moves without a reload, polls when the push is down, says when it is stale', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com/realtime`);
  await page.getByText('Live', { exact: true }).waitFor();
  const current = page.getByTestId('current');
  const had = Number(await current.textContent());
  server.visit('shop.example.com', { page: '/moved' });
  await page.getByText('/moved').first().waitFor({ timeout: 2000 });
  await page.waitForFunction((n) => Number(document.querySelector('[data-testid=current]').textContent) === n, had + 1);

  server.cut('socket');
  await page.getByText('Every 5 s', { exact: true }).waitFor();
  server.visit('shop.example.com', { page: '/polled' });
  await page.waitForFunction((n) => Number(document.querySelector('[data-testid=current]').textContent) === n, had + 2, { timeout: 8000 });
  server.cut('all');
  await page.getByText('Stale', { exact: true }).waitFor({ timeout: 8000 });
  server.cut(false);
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 });
}));

test('the overview follows the live connection', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com?period=day&f=is,event:page,/brand-new`);
  await page.getByText('Nothing matches the filters').first().waitFor();
  server.visit('shop.example.com', { page: '/brand-new' });
  await page.getByRole('link', { name: /^\/brand-new 1 Visitors/ }).waitFor({ timeout: 8000 });
}));

test('by keyboard alone', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com`);
  await page.getByRole('slider').waitFor();
  const f = async (key, want) => {
    await page.keyboard.press(key);
    await page.waitForFunction((w) => decodeURIComponent(location.search) === w, want);
  };
  await f('w', '?period=7d');
  await f('x', '?period=7d&compare=off');
  await f('x', '?period=7d');
  await f('i', '?period=7d&interval=hour');
  await f('m', '?period=month');
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('Keyboard shortcuts').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.getByLabel('Value').fill('Google, Bing');
  await page.getByLabel('What', { exact: true }).selectOption('visit:source');
  await page.getByLabel('Value').press('Enter');
  await page.getByText('Source is Google or Bing').waitFor();
  const slider = page.getByRole('slider');
  await slider.focus();
  await page.keyboard.press('Home');
  assert.match(await slider.getAttribute('aria-valuetext'), /Nov|Dec|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct/);
  const first = await slider.getAttribute('aria-valuetext');
  await page.keyboard.press('End');
  assert.notEqual(await slider.getAttribute('aria-valuetext'), first);
  await page.keyboard.press('Tab');
  await page.keyboard.press('r');
  await page.waitForURL('**/realtime');
}));

test('settings: threshold, address policy, keys, removal', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/empty.example.org/settings`);
  await page.getByRole('radio', { name: /Lenient/ }).check();
  await page.getByText('Saved').first().waitFor();
  assert.deepEqual(server.state.log.findLast((l) => l.method === 'PUT').body, { threshold: 3 });
  await page.getByRole('radio', { name: /Shorten/ }).check();
  await page.fill('[name=key-name]', 'report');
  await page.getByRole('button', { name: 'Create key' }).click();
  assert.match(await page.getByLabel('New key').textContent(), /^ff_/);
  await page.getByRole('button', { name: 'Delete key report' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No keys yet.').waitFor();
  const remove = page.getByRole('button', { name: 'Remove site' });
  assert.ok(await remove.isDisabled());
  await page.fill('[name=confirm]', 'empty.example.org');
  await remove.click();
  await page.waitForURL('**/sites');
  assert.equal(await page.getByText('empty.example.org').count(), 0);
}));

test('settings: a visitor is erased after a question, and the proof is shown', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/empty.example.org/settings`);
  const erase = page.getByRole('button', { name: 'Erase', exact: true });
  assert.ok(await erase.isDisabled());
  await page.fill('[name=erase-visitor]', ' ann ');
  await erase.click();
  await page.getByRole('dialog').getByText('visitor “ann”').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(server.state.erasures.length, 0);
  await erase.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click();
  await page.getByText('erased and verified').waitFor();
  assert.deepEqual(server.state.log.findLast((l) => l.method === 'POST').body, { visitor: 'ann' });
  await page.getByRole('row', { name: /^events 7 7 0/ }).waitFor();
  await page.getByRole('radio', { name: 'An address on a day' }).check();
  await page.fill('[name=erase-ip]', '203.0.113.9');
  await page.fill('[name=erase-agent]', 'Mozilla/5.0');
  await erase.click();
  await page.getByRole('dialog').getByText('203.0.113.9').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click();
  await page.getByText('A person by address').waitFor();
  const body = server.state.log.findLast((l) => l.method === 'POST').body;
  assert.deepEqual([body.ip, body.user_agent, body.day], ['203.0.113.9', 'Mozilla/5.0', new Date().toISOString().slice(0, 10)]);
}));

test('a lost login leads to the login page and back', withPage({}, async (page, server) => {
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com?period=7d`);
  await page.getByRole('slider').waitFor();
  server.state.sessions.clear();
  await page.keyboard.press('m');
  await page.waitForURL('**/login?next=*');
  await page.fill('[name=email]', 'ada@example.org');
  await page.fill('[name=password]', 'wrong');
  await page.keyboard.press('Enter');
  await page.getByText('wrong e-mail address or password').waitFor();
  await page.fill('[name=password]', 'correct horse');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/shop.example.com?period=*');
}));

test('hostile text stays text', withPage({}, async (page, server) => {
  const bad = '<img src=x onerror="document.title=1">';
  await login(page, server.origin);
  await page.goto(`${server.origin}/shop.example.com?period=day&f=contains,event:page,onerror`);
  await page.getByText('Nothing matches the filters').first().waitFor();
  server.visit('shop.example.com', { page: bad, 'visit:source': 'javascript:alert(1)//', 'visit:browser': '{{7*7}}${1}' });
  await page.getByText(bad).first().waitFor({ timeout: 8000 });
  await page.goto(`${server.origin}/shop.example.com/realtime`);
  await page.getByText('Live', { exact: true }).waitFor();
  server.visit('shop.example.com', { page: bad, 'visit:source': 'javascript:alert(1)//' });
  await page.getByText(bad).first().waitFor();
  await page.getByText('javascript:alert(1)//').first().waitFor();
  await page.goto(`${server.origin}/${encodeURIComponent('"><script>alert(1)</script>')}?metric=<script>`);
  await page.getByText('There is nothing at this address').waitFor();
}));
