// The built scripts in a real browser against a real server: what must be sent, and what must not.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { missing, openBrowser, sleep, until } from '../lib/browser.mjs';
import { openSite } from '../lib/site.mjs';

let browser, site, context, page;
before(async () => { if (!missing) browser = await openBrowser(); });
after(() => browser?.close());
beforeEach(async () => {
  if (missing) return;
  site = await openSite();
  context = await browser.newContext();
  page = await context.newPage();
  page.on('pageerror', (error) => { page.failed = error; });
});
afterEach(async () => {
  if (missing) return;
  await context.close();
  site.close();
  assert.equal(page.failed, undefined, 'an error came out of the page');
});

const check = (name, run) => test(name, { skip: missing, timeout: 60_000 }, run);
const visit = (path) => page.goto(site.origin + path);
const seen = (want) => until(() => site.seen().length >= want.length, `events ${want}, but ${site.seen()}`).then(quiet).then(() => assert.deepEqual(site.seen(), want));
// Long enough for anything wrong to be sent as well.
const quiet = () => sleep(400);
// What a user's switch to another tab does to the page; the browser under test always believes itself visible.
const show = (state, to = page) => to.evaluate((state) => {
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}, state);

for (const script of ['footfall.js', 'footfall.core.js', 'footfall.everything.js']) {
  check(`${script}: one page view, all its fields, no preflight, nothing kept`, async () => {
    site.page('/a', { title: 'Page A', script });
    await page.goto(site.origin + '/a?utm_source=x#part', { referer: 'https://www.google.com/' });
    await seen(['pageview /a?utm_source=x']);
    const [{ method, headers, events: [event], sent_at }] = site.requests;
    assert.equal(method, 'POST');
    assert.equal(headers['content-type'], 'text/plain;charset=UTF-8');
    assert.equal(headers.cookie, undefined);
    assert.ok(Math.abs(sent_at - Date.now()) < 30_000 && event.data.timestamp <= sent_at);
    assert.equal(event.tracking_id, 'ft_test');
    assert.ok(!('session_id' in event) && !('user_id' in event));
    assert.deepEqual({ title: event.data.title, referrer: event.data.referrer }, { title: 'Page A', referrer: 'https://www.google.com/' });
    assert.equal(event.context.url, site.origin + '/a?utm_source=x#part');
    assert.match(event.context.screen, /^\d+x\d+$/);
    assert.match(event.context.sdk, /^js\/\d/);
    assert.ok(event.context.language && event.context.timezone && event.context.webdriver === true);
    const kept = await page.evaluate(async () => [document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, (await caches?.keys?.())?.length ?? 0]);
    assert.deepEqual(kept, ['', 0, 0, 0, 0]);
    assert.deepEqual(await context.cookies(), []);
  });

  check(`${script}: push, replace, back and forward count where the path changes, and only there`, async () => {
    site.page('/a', { script });
    await visit('/a');
    await seen(['pageview /a']);
    await page.evaluate(() => {
      history.pushState({}, '', '/b');
      document.title = 'Page B';
    });
    const views = () => site.events().filter(({ type }) => type == 'pageview').map(({ data }) => data.page);
    await until(() => views().length == 2, 'pushState counts');
    await page.evaluate(() => {
      history.pushState({}, '', '/b?filter=1');
      history.pushState({}, '', '#below');
      history.replaceState({ deep: 1 }, '', '/b');
      location.hash = 'other';
    });
    await quiet();
    assert.deepEqual(views(), ['/a', '/b']);
    await page.evaluate(() => history.replaceState({}, '', '/c'));
    await until(() => views().length == 3, 'replaceState counts');
    await page.evaluate(() => history.go(-4));
    await until(() => views().length == 4, 'back counts');
    await quiet();
    assert.deepEqual(views(), ['/a', '/b', '/c', '/a']);
    const b = site.events().find(({ data, type }) => type == 'pageview' && data.page == '/b');
    assert.equal(b.data.referrer, site.origin + '/a');
    if (script != 'footfall.core.js') assert.equal(b.data.title, 'Page B');
  });

  check(`${script}: the page that returns from the back/forward cache counts again`, async () => {
    site.page('/a', { script });
    site.page('/other');
    await visit('/a');
    await seen(['pageview /a']);
    await page.evaluate(() => { window.marker = 1; });
    await visit('/other');
    await page.evaluate(() => history.back()); // no load event follows, so goBack would wait for ever
    await until(() => page.evaluate(() => window.marker == 1).catch(() => false), 'the browser kept the page');
    await until(() => site.seen().filter((line) => line == 'pageview /a').length == 2, 'the restored page counts');
    await quiet();
    assert.equal(site.seen().filter((line) => line == 'pageview /a').length, 2);
  });

  check(`${script}: a browser that says GPC or DNT sends nothing`, async () => {
    site.page('/a', { script });
    for (const signal of [['globalPrivacyControl', true], ['doNotTrack', '1']]) {
      const quietContext = await browser.newContext();
      await quietContext.addInitScript(([name, value]) => Object.defineProperty(Navigator.prototype, name, { get: () => value, configurable: true }), signal);
      const quietPage = await quietContext.newPage();
      await quietPage.goto(site.origin + '/a');
      await quietPage.evaluate(() => { footfall.trackEvent('a', 'b'); footfall.trackPageView('/x'); footfall.flush(); });
      await quiet();
      await quietContext.close();
    }
    await quiet();
    assert.deepEqual(site.requests, []);
  });

  check(`${script}: what is queued leaves with the page`, async () => {
    site.page('/a', { script });
    site.page('/b', { script: '' });
    await visit('/a');
    await page.evaluate(() => {
      for (let n = 0; n < 30; n++) footfall.trackEvent('c', 'n' + n);
      location.href = '/b';
    });
    await until(() => site.events().filter(({ type }) => type == 'event').length >= 30, 'the events arrive');
    await quiet();
    assert.equal(new Set(site.events().map(({ id }) => id)).size, site.events().length);
    assert.equal(site.events().filter(({ type }) => type == 'event').length, 30);
    assert.ok(site.requests.every(({ events }) => events.length <= 20), 'at most 20 events a request');
  });

  check(`${script}: what the beacon refuses goes by fetch`, async () => {
    await context.addInitScript(() => { navigator.sendBeacon = () => { window.refused = (window.refused || 0) + 1; return false; }; });
    site.page('/a', { script });
    await visit('/a');
    await seen(['pageview /a']);
    assert.equal(await page.evaluate(() => window.refused), 1);
    assert.equal(site.requests[0].headers['content-type'], 'text/plain;charset=UTF-8');
  });

  check(`${script}: data-storage="true" keeps ids, "false" does not`, async () => {
    site.page('/a', { script, attributes: 'data-storage="true"' });
    site.page('/no', { script, attributes: 'data-storage="false"' });
    await visit('/no');
    await visit('/a');
    await visit('/a?again');
    await until(() => site.seen().includes('pageview /a?again'), 'the last page counts');
    const views = site.events().filter(({ type }) => type == 'pageview');
    assert.ok(!views[0].user_id && !views[0].session_id);
    assert.ok(views[1].user_id && views[1].session_id);
    assert.deepEqual([views[2].user_id, views[2].session_id], [views[1].user_id, views[1].session_id]);
  });
}

check('an event goes to another origin without a preflight', async () => {
  const other = await openSite();
  try {
    site.page('/a', { attributes: `data-api="${other.origin}/v1/events"` });
    await context.addInitScript(() => { navigator.sendBeacon = undefined; });
    await visit('/a');
    await until(() => other.requests.length, 'the event arrives');
    await quiet();
    assert.deepEqual(other.requests.map(({ method }) => method), ['POST']);
    assert.deepEqual(site.requests, []);
  } finally {
    other.close();
  }
});

check('data-hash counts routes behind "#"; without it they do not count', async () => {
  site.page('/app/', { attributes: 'data-hash' });
  await visit('/app/#/users');
  await seen(['pageview /app/users']);
  await page.evaluate(() => { location.hash = '#!/users/7'; });
  await until(() => site.seen().includes('pageview /app/users/7'), 'the route counts');
});

check('a failed request is sent again with the same ids', async () => {
  await context.addInitScript(() => { navigator.sendBeacon = () => false; });
  site.replies = [503];
  site.page('/a');
  await visit('/a');
  await until(() => site.requests.length == 2, 'it is sent again');
  await quiet();
  assert.equal(site.requests.length, 2);
  assert.equal(site.requests[1].events[0].id, site.requests[0].events[0].id);
});

check('engagement is the visible time, and the depth that was scrolled to', async () => {
  site.page('/a', { body: '<div style="height:4000px">long</div>' });
  await visit('/a');
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const screen = await page.evaluate(() => innerHeight);
  await page.evaluate(() => scrollTo(0, 1000));
  await sleep(600);
  await show('hidden');
  const first = await until(() => site.events().find(({ type }) => type == 'engagement'), 'engagement is sent');
  assert.equal(first.data.page, '/a');
  assert.equal(first.data.scroll_depth, Math.round((100 * (1000 + screen)) / height));
  assert.ok(first.data.time_on_page >= 600, `${first.data.time_on_page} ms`);
  const before = Date.now();
  await sleep(1500);
  await show('visible');
  const visible = Date.now();
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await sleep(300);
  await show('hidden');
  const ms = Date.now() - visible;
  const [, second] = await until(() => { const all = site.events().filter(({ type }) => type == 'engagement'); return all.length > 1 && all; }, 'the second engagement is sent');
  assert.equal(second.data.scroll_depth, 100);
  assert.ok(second.data.time_on_page >= 300 && second.data.time_on_page <= ms + 200, `${second.data.time_on_page} of ${ms} ms; hidden for ${visible - before}`);
  await show('hidden');
  await quiet();
  assert.equal(site.events().filter(({ type }) => type == 'engagement').length, 2, 'an empty engagement was sent');
});

check('engagement counts only while the window has the focus', async () => {
  await context.addInitScript(() => { document.hasFocus = () => !window.blurred; });
  site.page('/a');
  await visit('/a');
  const spent = await page.evaluate(async () => {
    const sleep = (millis) => new Promise((done) => setTimeout(done, millis));
    window.blurred = true;
    const spent = performance.now();
    dispatchEvent(new Event('blur'));
    await sleep(1200);
    window.blurred = false;
    dispatchEvent(new Event('focus'));
    await sleep(200);
    return spent;
  });
  await show('hidden');
  const { data } = await until(() => site.events().find(({ type }) => type == 'engagement'), 'engagement is sent');
  assert.ok(data.time_on_page >= 200 && data.time_on_page < spent + 1100, `${data.time_on_page} ms, ${spent} before the blur`);
});

check('a real navigation sends the engagement of the page that is left, once', async () => {
  site.page('/a');
  site.page('/b', { script: '' });
  await visit('/a');
  await seen(['pageview /a']);
  await visit('/b');
  await seen(['pageview /a', 'engagement /a']);
  assert.ok(site.events()[1].data.time_on_page >= 400);
  assert.equal(site.events()[1].context.url, site.origin + '/a');
});

check('in a single-page application each page has its own time and depth', async () => {
  site.page('/a', { body: '<div style="height:4000px">long</div>' });
  await visit('/a');
  await page.evaluate(() => scrollTo(0, 99999));
  await sleep(300);
  await page.evaluate(() => { history.pushState({}, '', '/b'); scrollTo(0, 0); });
  await sleep(300);
  await show('hidden');
  const all = await until(() => { const found = site.events().filter(({ type }) => type == 'engagement'); return found.length > 1 && found; }, 'both are sent');
  assert.deepEqual(all.map(({ data }) => data.page), ['/a', '/b']);
  assert.equal(all[0].data.scroll_depth, 100);
  assert.ok(all[1].data.scroll_depth < 40, `depth ${all[1].data.scroll_depth} of the second page`);
  assert.equal(all[0].context.url, site.origin + '/a');
});

check('data-auto="false" sends nothing by itself; a second tag does nothing', async () => {
  site.page('/a', { attributes: 'data-auto="false"' });
  await visit('/a');
  await quiet();
  assert.deepEqual(site.requests, []);
  await page.evaluate(() => footfall.trackPageView('/by-hand', 'By hand'));
  await seen(['pageview /by-hand']);
  site.page('/twice', { body: '<script defer src="/js/footfall.js" data-site="ft_test"></script>' });
  site.requests.length = 0;
  await visit('/twice');
  await seen(['pageview /twice']);
});

check('the class can be used by hand from the script', async () => {
  site.pages['/plain'] = '<!doctype html><title>Plain</title><script src="/js/footfall.js"></script>';
  await visit('/plain');
  await quiet();
  assert.deepEqual(site.requests, []);
  await page.evaluate(() => {
    const sdk = new AnalyticsSDK('ft_own', { endpoint: '/v1/events' });
    sdk.trackPageView('/p', 'P');
    sdk.trackEvent('video', 'play', 'intro', 3);
    sdk.flush();
  });
  await seen(['pageview /p', 'event play']);
  assert.equal(site.requests.length, 1);
  assert.equal(site.events()[0].tracking_id, 'ft_own');
});

check('a prerendered page counts when it is shown', async () => {
  await context.addInitScript(() => Object.defineProperty(document, 'prerendering', { value: true, configurable: true }));
  site.page('/a');
  await visit('/a');
  await quiet();
  assert.deepEqual(site.requests, []);
  await page.evaluate(() => {
    Object.defineProperty(document, 'prerendering', { value: false });
    document.dispatchEvent(new Event('prerenderingchange'));
  });
  await seen(['pageview /a']);
});

check('everything: links, files, forms and missing pages, each only where it is asked for', async () => {
  const body = '<a id="out" href="https://example.org/x?q=1">out</a><a id="in" href="/a#in">in</a><a id="file" href="/price.pdf?v=2">file</a><a id="mail" href="mailto:a@b.example">mail</a><form id="contact"><button id="send">send</button></form>';
  const click = () => page.evaluate(() => {
    addEventListener('click', (event) => event.target.closest('a') && event.preventDefault());
    addEventListener('submit', (event) => event.preventDefault());
    for (const id of ['out', 'in', 'file', 'mail', 'send']) document.getElementById(id).click();
    footfall.flush();
  });
  site.page('/a', { body, script: 'footfall.everything.js', attributes: 'data-outbound data-downloads data-forms data-404' });
  await visit('/a');
  await click();
  await seen(['pageview /a', 'event outbound', 'event download', 'event form_submit']);
  const labels = site.events().filter(({ type }) => type == 'event').map(({ data }) => [data.label, data.interactive]);
  assert.deepEqual(labels, [['https://example.org/x', false], [site.origin + '/price.pdf', false], ['contact', false]]);

  site.requests.length = 0;
  site.page('/plain', { body, script: 'footfall.everything.js' });
  await visit('/plain');
  await click();
  await quiet();
  assert.deepEqual(site.seen().filter((line) => line.startsWith('event')), []);

  site.pages['*'] = site.pages['/a'];
  await visit('/missing');
  const missing = await until(() => site.events().find(({ data }) => data.action == '404'), 'the missing page counts');
  assert.deepEqual([missing.data.label, missing.data.interactive], ['/missing', false]);
});

check('the page survives a tracker that can do nothing', async () => {
  await context.addInitScript(() => {
    navigator.sendBeacon = () => { throw new Error('no'); };
    window.fetch = () => { throw new Error('no'); };
    Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });
  });
  site.page('/a', { attributes: 'data-storage="true"' });
  await visit('/a');
  await page.evaluate(() => { footfall.trackEvent('a', 'b'); footfall.flush(); history.pushState({}, '', '/b'); });
  await quiet();
  assert.equal(new URL(page.url()).pathname, '/b');
});
