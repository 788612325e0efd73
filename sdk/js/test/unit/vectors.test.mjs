// Runs sdk/vectors: the calls of each vector must give exactly its requests.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { match } from '../lib/match.mjs';
import { openWorld } from '../lib/world.mjs';

const folder = new URL('../../../vectors/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

const steps = {
  call: async (world, sdk, { call, args = [], times = 1 }) => {
    for (let i = 0; i < times; i++) sdk[call](...args);
  },
  advance: (world, sdk, { advance }) => world.advance(advance),
  navigate: async (world, sdk, { navigate, title }) => {
    world.page.location.href = new URL(navigate, world.page.location.href).href;
    if (title) world.page.document.title = title;
  },
  leave: async (world) => {
    world.page.document.visibilityState = 'hidden';
    world.emit('visibilitychange');
  },
  online: async (world, sdk, { online }) => {
    world.page.navigator.onLine = online;
    if (online) world.emit('online');
  },
};

test('there are vectors', () => assert.ok(files.length >= 8));
for (const file of files) {
  const vector = JSON.parse(readFileSync(new URL(file, folder)));
  test(`${file}: ${vector.about}`, async () => {
    const world = openWorld(vector.environment);
    const sdk = new world.AnalyticsSDK(vector.tracking_id, vector.config);
    for (const step of vector.steps) {
      const kind = Object.keys(steps).find((name) => name in step);
      assert.ok(kind, `a step nobody knows: ${JSON.stringify(step)}`);
      await steps[kind](world, sdk, step);
    }
    await world.advance(0);
    const ids = {};
    const got = world.requests.map(({ path, body }) => ({ path, body: JSON.parse(body) }));
    assert.equal(got.length, vector.requests.length, `requests: ${JSON.stringify(got.map(({ body }) => body.events.length))}`);
    vector.requests.forEach((want, i) => match(got[i], want, ids, `requests[${i}]`));
  });
}
