// A page without a browser: a clock that only moves when told, a network that answers as told, and the globals the SDK reads.
// It runs the built script, so that the tests see the very bytes that pages load. What browsers do is tested in browsers.
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import vm from 'node:vm';

const script = readFileSync(new URL('../../dist/footfall.js', import.meta.url), 'utf8');

export function openWorld(page = {}) {
  const {
    now = 1763856000000, url = 'https://example.com/pricing?utm_source=x', referrer = '', title = 'Pricing',
    screen = '1920x1080', language = 'de-DE', timezone = 'Europe/Berlin', signals = {}, beacon = [], replies = [], storage = true,
  } = page;
  const [width, height] = screen.split('x').map(Number);
  const world = { now, requests: [], storage: {}, timers: [] };
  const listeners = {};
  const listen = (type, run) => (listeners[type] ||= []).push(run);
  const record = (transport, to, body) => world.requests.push({ transport, path: new URL(to, url).pathname, body });

  const context = {
    URL, JSON, Math, crypto: webcrypto,
    Date: { now: () => world.now },
    Intl: { DateTimeFormat: () => ({ resolvedOptions: () => ({ timeZone: timezone }) }) },
    screen: { width, height },
    document: { referrer, title, visibilityState: 'visible', currentScript: { dataset: {} }, addEventListener: listen },
    addEventListener: listen,
    location: new URL(url),
    navigator: {
      language, onLine: true, ...signals,
      sendBeacon(to, body) {
        const taken = beacon.length ? beacon.shift() : true;
        if (taken) record('beacon', to, body);
        return taken;
      },
    },
    fetch(to, { method, body, keepalive }) {
      record('fetch', to, body);
      Object.assign(world.requests.at(-1), { method, keepalive });
      const reply = replies.length ? replies.shift() : 200;
      if (reply == 'error') return Promise.reject(new TypeError('Failed to fetch'));
      const { status = reply, retry_after = null } = reply;
      return Promise.resolve({ status, headers: { get: (name) => (name == 'retry-after' ? retry_after : null) } });
    },
    setTimeout(run, millis) {
      world.timers.push({ run, at: world.now + millis });
      return world.timers.at(-1);
    },
    clearTimeout(timer) {
      world.timers = world.timers.filter((other) => other != timer);
    },
  };
  context.localStorage = storage ? world.storage : new Proxy({}, { get() { throw new Error('denied'); }, set() { throw new Error('denied'); } });
  context.window = context;
  vm.runInContext(script, vm.createContext(context));

  world.page = context;
  world.AnalyticsSDK = context.AnalyticsSDK;
  world.emit = (type, event = {}) => (listeners[type] || []).forEach((run) => run(event));
  // Moves the clock and runs what falls due, answers of the network included.
  world.advance = async (millis) => {
    const end = world.now + millis;
    for (;;) {
      for (let i = 0; i < 10; i++) await null;
      const due = world.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      world.now = Math.max(world.now, due.at);
      world.timers = world.timers.filter((timer) => timer != due);
      due.run();
    }
    world.now = end;
  };
  world.bodies = () => world.requests.map((request) => JSON.parse(request.body));
  world.events = () => world.bodies().flatMap((body) => body.events);
  return world;
}
