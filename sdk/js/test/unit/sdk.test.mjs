// What the vectors cannot say: limits, and that nothing is ever thrown into the page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openWorld } from '../lib/world.mjs';

const open = (config, environment) => {
  const world = openWorld(environment);
  return { world, sdk: new world.AnalyticsSDK('ft_test', config) };
};

test('the queue holds 1,000 events: the oldest are dropped', async () => {
  const { world, sdk } = open({}, {});
  world.page.navigator.onLine = false;
  for (let n = 0; n < 1500; n++) sdk.track('event', { name: 'n' + n });
  world.page.navigator.onLine = true;
  sdk.flush();
  assert.equal(world.requests.length, 50);
  const names = world.events().map((event) => event.data.name);
  assert.equal(names.length, 1000);
  assert.equal(names[0], 'n500');
  assert.equal(names.at(-1), 'n1499');
});

test('a batch stays below what beacons carry; a bigger event goes alone and without keepalive', async () => {
  const { world, sdk } = open({}, { beacon: [true, true, false] });
  for (let n = 0; n < 5; n++) sdk.track('event', { name: 'a', label: 'x'.repeat(20_000) });
  sdk.track('event', { name: 'big', label: 'x'.repeat(70_000) });
  sdk.flush();
  const sizes = world.bodies().map((body) => body.events.length);
  assert.deepEqual(sizes, [2, 2, 1, 1]);
  assert.deepEqual(world.requests.map(({ transport }) => transport), ['beacon', 'beacon', 'fetch', 'beacon']);
  assert.equal(world.requests[2].keepalive, true);
  const refused = open({}, { beacon: [false] });
  refused.sdk.track('event', { name: 'big', label: 'x'.repeat(70_000) });
  refused.sdk.flush();
  assert.equal(refused.world.requests[0].keepalive, false);
  assert.equal(refused.world.requests[0].method, 'POST');
});

test('ids ascend, also within one millisecond, and carry the time', () => {
  const { world, sdk } = open({}, {});
  for (let n = 0; n < 300; n++) sdk.track('event', { name: 'n' });
  sdk.flush();
  const ids = world.events().map((event) => event.id);
  assert.equal(new Set(ids).size, 300);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(parseInt(ids[0].slice(0, 8) + ids[0].slice(9, 13), 16), 1763856000000);
});

test('data is taken as it is at the call', () => {
  const { world, sdk } = open({}, {});
  const data = { name: 'a', properties: { step: 1 } };
  sdk.track('event', data);
  data.properties.step = 2;
  sdk.flush();
  assert.equal(world.events()[0].data.properties.step, 1);
});

test('nothing is thrown into the page, and one bad event takes no other with it', async () => {
  const circle = {};
  circle.circle = circle;
  const { world, sdk } = open({}, {});
  const wrong = [undefined, null, 0, '', 'text', [], circle, { value: 1n }, { get name() { throw new Error('trap'); } }, () => {}];
  for (const data of wrong) {
    sdk.track('event', data);
    sdk.trackEvent(data, data, data, data);
    sdk.trackPageView(data, data);
  }
  sdk.track();
  sdk.trackPageView(circle);
  sdk.track('event', { name: 'good' });
  sdk.flush();
  await world.advance(10_000);
  assert.ok(world.events().some((event) => event.data.name == 'good'));
});

test('without a browser behind it the class does nothing', async () => {
  const { AnalyticsSDK } = await import('../../dist/index.js');
  const sdk = new AnalyticsSDK('ft_test');
  sdk.trackPageView('/');
  sdk.trackEvent('a', 'b');
  sdk.flush();
  for (const broken of ['fetch', 'navigator', 'crypto', 'document']) {
    const { world, sdk } = open({}, { beacon: [false] });
    delete world.page[broken];
    sdk.trackPageView();
    sdk.trackEvent('a', 'b');
    sdk.flush();
    await world.advance(5000);
  }
});

test('of requests that fail together the first sets the pause, and every event comes once', async () => {
  const { world, sdk } = open({ beacon: false }, { replies: [503, 503, 503] });
  for (let n = 0; n < 60; n++) sdk.track('event', { name: 'n' + n });
  await world.advance(0);
  assert.equal(world.requests.length, 3);
  await world.advance(1500);
  assert.equal(world.requests.length, 6);
  const [first, again] = [world.events().slice(0, 60), world.events().slice(60)].map((events) => events.map(({ id }) => id).sort());
  assert.deepEqual(again, first);
});

test('pauses grow to at most 96 seconds and differ by chance', async () => {
  const { world, sdk } = open({ beacon: false }, { replies: Array(12).fill('error') });
  sdk.track('event', { name: 'a' });
  const at = [];
  for (let second = 0; second < 1200; second++) {
    await world.advance(1000);
    if (world.requests.length > at.length) at.push(second);
  }
  const pauses = at.slice(1).map((time, i) => time - at[i]);
  assert.equal(pauses.length, 12);
  assert.ok(Math.max(...pauses) <= 97 && Math.max(...pauses) >= 32, String(pauses));
  assert.ok(pauses[0] <= 2 && pauses[3] >= 3, String(pauses));
});

test('a spoilt storage is made anew', () => {
  for (const spoilt of ['', '{', 'null', '7', '[]', '{"a":1}', '["x"]', '[1,"y",null,{}]']) {
    const { world, sdk } = open({ storage: true }, {});
    world.storage['footfall:ft_test'] = spoilt;
    sdk.track('event', { name: 'a' });
    sdk.flush();
    const [event] = world.events();
    assert.match(event.user_id, /^[0-9a-f-]{36}$/, spoilt);
    assert.match(event.session_id, /^[0-9a-f-]{36}$/, spoilt);
  }
});

test('the public API is the golden file', () => {
  const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
  const types = ['index', 'sdk', 'config', 'pages', 'engagement', 'extras'].map((name) => read(`dist/${name}.d.ts`)).join('\n');
  const api = types.replace(/^ *\/\*\*[^]*?\*\/\n/gm, '').replace(/^ *private .*\n/gm, '').replace(/\n{2,}/g, '\n');
  assert.equal(api, read('test/api.golden.d.ts'), 'the API changed: if that is meant, change test/api.golden.d.ts');
});

test('the scripts leave nothing but their names in the page', () => {
  const { world } = open({}, {});
  for (const name of ['t', 'e', 'i', 's', 'n', 'a', 'r']) assert.ok(!(name in world.page), name);
  for (const name of ['footfall', 'footfall.core', 'footfall.everything']) {
    const text = readFileSync(new URL(`../../dist/${name}.js`, import.meta.url), 'utf8');
    assert.ok(text.startsWith('(()=>{'), name);
    assert.ok(!/\beval\b|new Function|innerHTML|document\.cookie/.test(text), name);
  }
});
