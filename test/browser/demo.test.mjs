// The demo: how long it takes to fill, whether the screen says what the API says, and whether a visitor of the shop is seen live.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { ask, dashboard, figure, launch, setUp, visitor } from './browser.mjs';
import { start, until } from './server.mjs';
import { steps } from './steps.mjs';

const test = steps();
const domain = 'demo.example';
const keyFigures = ['visitors', 'visits', 'pageviews', 'events'];
const labels = ['Visitors', 'Visits', 'Pageviews', 'Events'];

let browser;
let server;
let page;
before(async () => (browser = await launch()));
after(async () => {
  await browser.close();
  await server?.stop();
});

const demo = (path = '') => `${server.origin}/${domain}${path}`;
const search = () => decodeURIComponent(new URL(page.url()).search);
const noProblems = (...pages) => assert.deepEqual(pages.flatMap((p) => p.problems), []);
const shown = () => Promise.all(labels.map((label) => figure(page, label)));

/** The key figures on the screen become those that the API gives for the same question. */
async function sameAsAPI(question) {
  const [{ metrics }] = await ask(page, { site_id: domain, metrics: keyFigures, ...question });
  assert.ok(metrics[0] > 0, 'there is something to compare');
  const want = metrics.map(Math.round).join();
  await until(`the figures on the screen are ${want}`, async () => (await shown().catch(() => [])).join() === want, 5_000)
    .catch(async (error) => assert.fail(`${error.message}; they are ${(await shown()).join()}`));
  return metrics;
}

test('from the start of the binary to a filled dashboard', async () => {
  page = await dashboard(browser);
  server = await start();
  await setUp(page, server.origin);
  await server.demoReady(page);
  await page.goto(demo());
  await page.getByRole('button', { name: /^Visitors [1-9]/ }).waitFor();
  await page.locator('.u-wrap').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0);
  const took = Date.now() - server.startedAt;
  console.log(`# a filled dashboard ${(took / 1000).toFixed(1)} s after the start of the binary, setup by hand included (at most 15)`);
  noProblems(page);
});

test('the numbers on the screen are those of the API', async () => {
  await sameAsAPI({ date_range: '28d' });
  for (const [tab, dimension] of [['Sources', 'visit:source'], ['Top pages', 'event:page'], ['Countries', 'visit:country'], ['Browsers', 'visit:browser']]) {
    const rows = await ask(page, { site_id: domain, date_range: '28d', metrics: ['visitors'], dimensions: [dimension], pagination: { limit: 3, offset: 0 } });
    const panel = page.locator('section').filter({ has: page.getByRole('tab', { name: tab, exact: true }) });
    const texts = await panel.locator('li .value').allTextContents();
    for (const [i, row] of rows.entries()) assert.equal(Number(texts[i].replace(/\D/g, '')), row.metrics[0], `${tab}: ${row.dimensions[0]}`);
  }
  await page.getByRole('link', { name: /^Germany / }).waitFor();
});

test('a click on a row filters; the address keeps the state; the numbers are still those of the API', async () => {
  await page.getByRole('link', { name: /^Google / }).first().click();
  await page.getByText('Source is Google').first().waitFor();
  assert.equal(search(), '?f=is,visit:source,Google');
  const filters = [['is', 'visit:source', ['Google']]];
  const filtered = await sameAsAPI({ date_range: '28d', filters });
  await page.getByRole('link', { name: /^Germany / }).first().click();
  await page.getByText('Country is Germany').first().waitFor();
  const both = await sameAsAPI({ date_range: '28d', filters: [...filters, ['is', 'visit:country', ['DE']]] });
  assert.ok(both[0] < filtered[0]);
  await page.reload();
  await page.getByText('Country is Germany').first().waitFor();
  await sameAsAPI({ date_range: '28d', filters: [...filters, ['is', 'visit:country', ['DE']]] });
  noProblems(page);
});

test('periods: a preset, a custom range, the step back', async () => {
  await page.goto(demo());
  await page.getByRole('button', { name: 'Period: Last 28 days' }).click();
  await page.getByRole('button', { name: 'Last 7 days' }).click();
  await page.waitForURL('**?period=7d');
  await sameAsAPI({ date_range: '7d' });
  const day = (back) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
  await page.keyboard.press('c');
  await page.getByLabel('From', { exact: true }).fill(day(20));
  await page.getByLabel('To', { exact: true }).fill(day(11));
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(`**?from=${day(20)}&to=${day(11)}`);
  await sameAsAPI({ date_range: [day(20), day(11)] });
  await page.getByRole('button', { name: 'Previous period', exact: true }).click();
  await page.waitForURL(`**?from=${day(30)}&to=${day(21)}`);
  await sameAsAPI({ date_range: [day(30), day(21)] });
  noProblems(page);
});

/** The page views behind the thirty bars, by minute. */
const minutes = () => page.locator('table tbody tr').evaluateAll((rows) => Object.fromEntries(rows.map((r) => [r.cells[0].textContent, Number(r.cells[2].textContent)])));
/** How many more they are, over the minutes that are still shown. */
const more = (now, then) => Object.keys(now).reduce((sum, minute) => sum + now[minute] - (then[minute] ?? 0), 0);

test('the shop is visited by a real browser: the real-time view shows each step within 2 s', async () => {
  await page.goto(demo('/realtime'));
  await page.getByText('Live', { exact: true }).waitFor();
  // Others may leave the five minutes meanwhile, so the test looks for a step up and not for a number.
  await page.evaluate(() => {
    const number = document.querySelector('[data-testid=current]');
    let last = Number(number.textContent);
    new MutationObserver(() => { globalThis.rose ||= Number(number.textContent) > last; last = Number(number.textContent); }).observe(number, { childList: true, characterData: true, subtree: true });
  });
  const views = await minutes();
  const anna = await visitor(browser);
  const waits = [];

  /** Runs a step in the shop and measures from the request of the script to the row in the feed. */
  async function seen(row, nth, step) {
    const sent = anna.sent.length;
    await step();
    const request = await until(`a request for ${row}`, () => anna.sent.slice(sent).find((s) => s.body.includes(row)));
    await page.waitForFunction(([text, n]) => [...document.querySelectorAll('.feed strong')].filter((e) => e.textContent === text).length >= n, [row, nth], { polling: 10 });
    waits.push(Date.now() - request.at);
  }

  await seen('/demo/', 1, () => anna.goto(`${server.origin}/demo/`));
  await seen('/demo/product', 1, () => anna.getByRole('navigation').getByRole('link', { name: 'Aurora lamp' }).click());
  await seen('add_to_cart', 1, () => anna.getByRole('button', { name: 'Add to cart' }).click());
  await seen('/demo/checkout', 1, () => anna.getByRole('link', { name: 'Go to the cart' }).click());
  await seen('purchase', 1, () => anna.getByRole('button', { name: 'Buy now' }).click());
  console.log(`# from the script's request to the screen: ${waits.join(', ')} ms (at most 2000)`);
  assert.ok(Math.max(...waits) < 2000, waits.join());

  await page.waitForFunction(() => globalThis.rose);
  await until('the current visitors on the screen are those of the API', () => page.evaluate(async (d) => {
    const { current_visitors: current } = await fetch(`/api/v1/sites/${d}/realtime`).then((r) => r.json());
    return current > 0 && Number(document.querySelector('[data-testid=current]').textContent) === current;
  }, domain));
  await until('the three page views are in the bars', async () => more(await minutes(), views) === 3, 5_000);
  // The shop's pages have one visitor each: whether they are among the ten depends on the hour's other traffic.
  const tops = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Top pages' }) }).getByRole('link');
  await until('the top pages on the screen are those of the API', async () => {
    const { top } = await page.evaluate((d) => fetch(`/api/v1/sites/${d}/realtime`).then((r) => r.json()), domain);
    const shown = await tops.allTextContents();
    return top.pages.length > 0 && shown.length === top.pages.length && top.pages.every(({ value }, i) => shown[i].trim().startsWith(value));
  });
  const [{ metrics }] = await ask(page, { site_id: domain, date_range: 'day', metrics: ['events', 'total_revenue'], filters: [['is', 'event:name', ['purchase']], ['contains', 'event:page', ['/demo/']]] });
  assert.equal(metrics[0], 1);
  assert.equal(Number(metrics[1]?.value ?? metrics[1]), 129);
  noProblems(page, anna);
  await anna.context().close();
});

test('while the server is away the page says so; it recovers by itself', async () => {
  page.expect(/ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE/);
  await page.goto(demo('/realtime'));
  await page.getByText('Live', { exact: true }).waitFor();
  const before = await minutes();
  await server.kill();
  await page.getByText('Stale', { exact: true }).waitFor();
  await page.getByText('No news since').waitFor();
  await server.run();
  const up = Date.now();
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 40_000 });
  console.log(`# live again ${Date.now() - up} ms after the server was`);
  assert.equal(more(await minutes(), before), 0, 'the minutes before the kill are as they were');
  const ben = await visitor(browser);
  await ben.goto(`${server.origin}/demo/product`);
  await page.locator('.feed').getByText('/demo/product', { exact: true }).first().waitFor();
  noProblems(page, ben);
});
