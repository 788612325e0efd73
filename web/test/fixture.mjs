// A stand-in for the server, for working on the dashboard and for its browser tests: docs/format/api.md over generated visits, with a
// real WebSocket. It computes every answer from the visits, so that a filter really filters. The end-to-end tests use the real server.
import { createServer } from 'node:http';
import { readFileSync, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import { answer, makeVisits, zoned } from './visits.mjs';

const dist = new URL('../dist/', import.meta.url).pathname;
const csp = readFileSync(new URL('../csp.txt', import.meta.url), 'utf8').trim();
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
const minute = 60_000;

/** Starts on a free port. `filled` begins with a user and two sites, one of them with visits; else the installation is fresh. */
export async function start({ filled = true, port = 0, days = 120, perDay = 90 } = {}) {
  const state = {
    user: filled ? { id: 'u1', email: 'ada@example.org', name: 'Ada', created_at: Date.now() } : null,
    password: 'correct horse', sites: [], visits: new Map(), keys: new Map(), erasures: [], sessions: new Set(), serial: 0, log: [], sockets: new Set(), realtimeDown: false,
  };
  const addSite = (domain, timezone, demo = false) => {
    const site = { website_id: `w${++state.serial}`, tracking_id: `ff_${domain.replace(/\W/g, '')}`, domain, timezone, threshold: 2, ip_policy: 'none', created_at: Date.now(), demo };
    state.sites.push(site);
    state.visits.set(site.website_id, []);
    state.keys.set(site.website_id, []);
    return site;
  };
  if (filled) {
    const site = addSite('shop.example.com', 'Europe/Berlin', true);
    const visits = makeVisits({ days, perDay, now: Date.now() });
    // Some of the last half hour, so that real time has something to show.
    for (let i = 0; i < 60; i++) {
      const [v] = makeVisits({ days: 0, perDay: 1, now: Date.now(), seed: 1000 + i });
      const at = Date.now() - Math.round(((i * 37) % 60) ** 1.1 * 0.33 * minute);
      visits.push({ ...v, user: `r${i}`, start: at, end: at, hits: [{ at, page: v.hits[0].page, name: 'pageview', page_view: true }] });
    }
    state.visits.set(site.website_id, visits);
    addSite('empty.example.org', 'UTC');
  }

  const server = createServer((request, response) => void handle(request, response).catch((error) => fail(response, 500, 'internal', String(error))));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url, 'http://x');
    const site = find(url.searchParams.get('site_id'));
    if (state.realtimeDown || !site || !loggedIn(request)) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const entry = { ws, id: site.website_id };
      state.sockets.add(entry);
      ws.on('close', () => state.sockets.delete(entry));
      ws.send(JSON.stringify({ type: 'hello', now: Date.now(), realtime: realtime(site.website_id) }));
    });
  });

  const find = (id) => state.sites.find((s) => s.website_id === id || s.domain === id);
  const loggedIn = (request) => [...(request.headers.cookie ?? '').matchAll(/footfall_session=(\w+)/g)].some((m) => state.sessions.has(m[1]));
  const send = (response, status, body, headers = {}) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  const fail = (response, status, code, message, path) => send(response, status, { error: { code, message, path } });
  const open = (response, status) => {
    const token = `t${++state.serial}`;
    state.sessions.add(token);
    send(response, status, { user: state.user }, { 'Set-Cookie': `footfall_session=${token}; Path=/; HttpOnly; SameSite=Lax` });
  };

  function realtime(id) {
    const now = Date.now();
    const hits = state.visits.get(id).flatMap((v) => v.hits.map((h) => ({ ...h, v }))).filter((h) => h.at > now - 30 * minute);
    const first = Math.floor(now / minute) * minute - 29 * minute;
    const distinct = (list) => new Set(list.map((h) => h.v.user)).size;
    const totals = (list) => ({ active_users: distinct(list), pageviews: list.filter((h) => h.page_view).length, events: list.length });
    const top = (get) => {
      const groups = Map.groupBy ? Map.groupBy(hits, get) : hits.reduce((m, h) => m.set(get(h), [...(m.get(get(h)) ?? []), h]), new Map());
      return [...groups].map(([value, list]) => ({ value, visitors: distinct(list) })).sort((a, b) => b.visitors - a.visitors).slice(0, 10);
    };
    return {
      site_id: id, now, current_visitors: distinct(hits.filter((h) => h.at > now - 5 * minute)),
      minutes: Array.from({ length: 30 }, (_, i) => ({ start: first + i * minute, ...totals(hits.filter((h) => Math.floor(h.at / minute) * minute === first + i * minute)) })),
      metrics: totals(hits), top: { pages: top((h) => h.page), sources: top((h) => h.v['visit:source']), countries: top((h) => h.v['visit:country']) }, available: true,
    };
  }

  /** One visit now, pushed to the open sockets as the server does. */
  function visit(domain, change = {}) {
    const site = find(domain);
    const [made] = makeVisits({ days: 0, perDay: 1, now: Date.now(), seed: ++state.serial });
    const v = { ...made, user: `live${state.serial}`, ...change };
    v.hits = [{ at: Date.now(), page: change.page ?? '/', name: 'pageview', page_view: true }];
    v.start = v.end = Date.now();
    state.visits.get(site.website_id).push(v);
    const r = realtime(site.website_id);
    const window = Math.floor(Date.now() / 10_000) * 10_000;
    const inWindow = state.visits.get(site.website_id).flatMap((x) => x.hits.map((h) => ({ h, x }))).filter(({ h }) => h.at >= window);
    push(site.website_id, [
      { type: 'event', timestamp: Date.now(), event_type: 'pageview', name: '', page: v.hits[0].page, title: 'Shop', country: v['visit:country'], source: v['visit:source'], device_type: v['visit:device'], browser: v['visit:browser'], visit_events: 1 },
      { type: 'metrics', start: window, pageviews: inWindow.filter(({ h }) => h.page_view).length, events: inWindow.length, active_visitors: new Set(inWindow.map(({ x }) => x.user)).size, open: true },
      { type: 'minute', ...r.minutes.at(-1) }, { type: 'current', visitors: r.current_visitors }, { type: 'totals', ...r.metrics, top: r.top },
    ]);
  }
  function push(id, messages) {
    for (const entry of state.sockets) if (entry.id === id) for (const m of messages) entry.ws.send(JSON.stringify(m));
  }

  const body = async (request) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    return text === '' ? {} : JSON.parse(text);
  };

  async function handle(request, response) {
    const url = new URL(request.url, 'http://x');
    if (!url.pathname.startsWith('/api/')) return serve(url.pathname, response);
    const data = request.method === 'GET' ? {} : await body(request);
    state.log.push({ method: request.method, path: url.pathname, body: data });
    const route = `${request.method} ${url.pathname}`;
    if (route === 'GET /api/v1/setup') return send(response, 200, { needed: state.user === null });
    if (route === 'POST /api/v1/setup') {
      if (state.user) return fail(response, 409, 'conflict', 'setup is done');
      if (data.password.length < 10) return fail(response, 400, 'invalid', 'password is shorter than 10 characters', 'password');
      Object.assign(state, { user: { id: 'u1', email: data.email, name: '', created_at: Date.now() }, password: data.password });
      return open(response, 201);
    }
    if (route === 'POST /api/v1/login') {
      const right = data.email === state.user?.email && data.password === state.password;
      return right ? open(response, 200) : fail(response, 401, 'unauthorized', 'wrong e-mail address or password');
    }
    if (!loggedIn(request)) return fail(response, 401, 'unauthorized', 'no valid key or cookie');
    if (route === 'GET /api/v1/me') return send(response, 200, { user: state.user });
    if (route === 'GET /api/v1/batch') return send(response, 200, state.batch ?? { enabled: false, dirty: 0, failures: 0 });
    if (route === 'POST /api/v1/logout') {
      state.sessions.clear();
      return send(response, 204);
    }
    if (url.pathname.startsWith('/api/v2/')) return queries(url.pathname, data, response);
    return sites(request.method, url.pathname.slice('/api/v1/sites'.length).split('/').slice(1).map(decodeURIComponent), data, response);
  }

  function queries(path, data, response) {
    const site = find(data.site_id);
    if (!site) return fail(response, 404, 'not_found', `no site "${data.site_id}"`, 'site_id');
    if (path === '/api/v2/query') return send(response, 200, answer(data, state.visits.get(site.website_id), site.timezone, Date.now()));
    return send(response, 200, {
      plan: { source: 'rollups+events', views: ['day', 'quarter'], push_down: [] }, source: 'rollups+events',
      sql: [{ part: 'main', text: 'select count(distinct user_id) as visitors\nfrom events\nwhere website_id = $1\n  and timestamp >= $2\n  and timestamp < $3', args: [site.website_id, 1, 2] }],
      ledger: { received: 1234, stored: 1200, duplicate: 10, filtered: { bot: 20 }, failed: { invalid_json: 4 } }, versions: {},
    });
  }

  function sites(method, [id, part, key], data, response) {
    if (id === undefined && method === 'GET') return send(response, 200, { sites: [...state.sites].sort((a, b) => (a.domain < b.domain ? -1 : 1)) });
    if (id === undefined) {
      if (find(data.domain)) return fail(response, 409, 'conflict', `a site with the domain "${data.domain}" exists already`);
      return send(response, 201, { site: addSite(data.domain, data.timezone ?? 'UTC') });
    }
    const site = find(id);
    if (!site) return fail(response, 404, 'not_found', `no site "${id}"`);
    const visits = state.visits.get(site.website_id);
    const keys = state.keys.get(site.website_id);
    if (part === 'status') {
      const times = visits.map((v) => v.start);
      return send(response, 200, { first_event_at: times.length ? times.reduce((a, b) => Math.min(a, b)) : null, last_event_at: times.length ? times.reduce((a, b) => Math.max(a, b)) : null, events: visits.reduce((n, v) => n + v.hits.length, 0) });
    }
    if (part === 'realtime') return state.realtimeDown === 'all' ? fail(response, 503, 'unavailable', 'down') : send(response, 200, realtime(site.website_id));
    if (part === 'erasures' && method === 'GET') return send(response, 200, { erasures: state.erasures });
    if (part === 'erasures') {
      const proofs = ['events', 'sessions'].map((name) => ({ part: name, found: 7, removed: 7, left: 0, verified_at: Date.now() }));
      state.erasures.unshift({ id: `e${++state.serial}`, scope: data.visitor ? 'visitor' : 'person', asked_at: Date.now(), asked_by: 'user ada@example.org', status: 'verified', verified_at: Date.now(), log_until: Date.now(), proofs });
      return send(response, 201, { erasure: state.erasures[0] });
    }
    if (part === 'keys' && method === 'GET') return send(response, 200, { keys });
    if (part === 'keys' && method === 'POST') {
      keys.push({ id: `k${++state.serial}`, name: data.name, prefix: 'ff_abcd', scopes: data.scopes, created_at: Date.now(), last_used_at: null });
      return send(response, 201, { id: keys.at(-1).id, key: `ff_abcd${'x'.repeat(36)}` });
    }
    if (part === 'keys') {
      state.keys.set(site.website_id, keys.filter((k) => k.id !== key));
      return send(response, 204);
    }
    if (method === 'PUT') Object.assign(site, data);
    if (method === 'DELETE') {
      state.sites = state.sites.filter((s) => s !== site);
      return send(response, 204);
    }
    return send(response, 200, { site });
  }

  function serve(pathname, response) {
    let file = join(dist, normalize(pathname));
    if (!file.startsWith(dist) || !types[extname(file)] || !existsSync(file) || !statSync(file).isFile()) file = join(dist, 'index.html');
    response.writeHead(200, { 'Content-Type': types[extname(file)], 'Content-Security-Policy': csp, 'X-Content-Type-Options': 'nosniff' });
    response.end(readFileSync(file));
  }

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin, state, visit, push, zoned,
    /** Cuts the live connections; 'socket' leaves polling, 'all' leaves nothing, false lets them come back. */
    cut(how) {
      state.realtimeDown = how;
      if (how) for (const entry of state.sockets) entry.ws.terminate();
    },
    async stop() {
      for (const entry of state.sockets) entry.ws.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const fixture = await start({ port: Number(process.env.PORT ?? 8090), filled: process.env.FRESH === undefined });
  console.log(`${fixture.origin}  (ada@example.org / correct horse)`);
  if (fixture.state.sites[0]) setInterval(() => fixture.visit(fixture.state.sites[0].domain), 1500);
}
