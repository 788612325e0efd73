// Generated visits and a plain evaluation of queries over them. Slow and simple on purpose.

const day = 86_400_000;

/** Numbers in [0,1) that are the same in every run (mulberry32's shape: add, mix, divide). */
function numbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pages = ['/', '/shop', '/shop/blue-suede-shoes', '/pricing', '/blog', '/blog/why-we-count-differently', '/about', '/contact', '/cart', '/checkout', '/docs/getting-started', '/docs/api', '/legal', '/jobs'];
const sources = [['Direct', 'Direct'], ['Google', 'Organic Search'], ['Bing', 'Organic Search'], ['ChatGPT', 'AI Assistants'], ['Hacker News', 'Referral'], ['GitHub', 'Referral'], ['newsletter', 'Email'], ['Reddit', 'Organic Social'], ['Mastodon', 'Organic Social'], ['DuckDuckGo', 'Organic Search']];
const places = [['DE', 'DE-BE', 'Berlin'], ['US', 'US-CA', 'San Francisco'], ['GB', 'GB-LND', 'London'], ['FR', 'FR-IDF', 'Paris'], ['NL', 'NL-NH', 'Amsterdam'], ['JP', 'JP-13', 'Tokyo'], ['IN', 'IN-KA', 'Bengaluru'], ['BR', 'BR-SP', 'São Paulo'], ['PL', 'PL-14', 'Warsaw'], ['SE', 'SE-AB', 'Stockholm'], ['CA', 'CA-ON', 'Toronto'], ['(not set)', '(not set)', '(not set)']];
const tools = [['Chrome', 'Windows', 'desktop'], ['Safari', 'iOS', 'mobile'], ['Firefox', 'GNU/Linux', 'desktop'], ['Chrome', 'Android', 'mobile'], ['Edge', 'Windows', 'desktop'], ['Safari', 'macOS', 'desktop'], ['Samsung Internet', 'Android', 'tablet']];

export function makeVisits({ days, perDay, now, seed = 7 }) {
  const random = numbers(seed);
  const pick = (list) => list[Math.floor(random() ** 1.9 * list.length)];
  const visits = [];
  for (let d = days; d >= 0; d--) {
    const weekend = [0, 6].includes(new Date(now - d * day).getUTCDay()) ? 0.6 : 1;
    const wanted = Math.round(perDay * weekend * (0.75 + random() * 0.3) * (1 + 0.5 * (1 - d / Math.max(1, days))));
    for (let i = 0; i < wanted; i++) {
      const bell = (random() + random() + random()) / 3;
      const start = Math.floor((now - d * day) / day) * day + Math.floor(bell * day);
      if (start <= now || days === 0) visits.push(makeVisit(random, pick, Math.min(start, now), Math.floor(random() * perDay * 40)));
    }
  }
  return visits.sort((a, b) => a.start - b.start);
}

function makeVisit(random, pick, start, user) {
  const [source, channel] = pick(sources);
  const [country, region, city] = pick(places);
  const [browser, os, device] = pick(tools);
  const hits = [];
  let at = start;
  for (let n = Math.max(1, Math.floor(random() ** 2 * 7)); n > 0; n--) {
    hits.push({ at, page: pick(pages), name: 'pageview', page_view: true });
    if (random() < 0.12) hits.push({ at: at + 4000, page: hits.at(-1).page, name: random() < 0.6 ? 'add_to_cart' : 'signup', page_view: false });
    at += 8000 + Math.floor(random() * 90_000);
  }
  const views = hits.filter((h) => h.page_view);
  const campaign = source === 'newsletter' ? (random() < 0.5 ? 'autumn-2026' : 'welcome') : '(not set)';
  return {
    user: `u${user}`, start, end: hits.at(-1).at, hits,
    'visit:source': source, 'visit:channel': channel, 'visit:referrer': source, 'visit:utm_campaign': campaign, 'visit:utm_source': campaign === '(not set)' ? campaign : 'newsletter',
    'visit:utm_medium': campaign === '(not set)' ? campaign : 'email', 'visit:utm_content': '(not set)', 'visit:utm_term': '(not set)',
    'visit:country': country, 'visit:region': region, 'visit:city': city, 'visit:browser': browser, 'visit:os': os, 'visit:device': device,
    'visit:entry_page': views[0].page, 'visit:exit_page': views.at(-1).page,
  };
}

/** "YYYY-MM-DD HH:MM:SS" on the wall clock of a zone. Formatters are kept: making one is slow. */
const formatters = new Map();
export function zoned(ms, timezone) {
  if (!formatters.has(timezone)) {
    formatters.set(timezone, new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' }));
  }
  return formatters.get(timezone).format(ms);
}

const addDays = (date, n) => new Date(Date.parse(`${date}T00:00:00Z`) + n * day).toISOString().slice(0, 10);

/** The instant at which a date begins in a zone. */
function begin(date, timezone) {
  let ms = Date.parse(`${date}T00:00:00Z`);
  for (let i = 0; i < 3; i++) ms += Date.parse(`${date}T00:00:00Z`) - Date.parse(`${zoned(ms, timezone).replace(' ', 'T')}Z`);
  return ms;
}

/** The instant of a wall clock time in a zone. */
function local(text, timezone) {
  return begin(text.slice(0, 10), timezone) + Date.parse(`${text}Z`) - Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
}

function range(asked, timezone, now, visits) {
  const today = zoned(now, timezone).slice(0, 10);
  const dates = (a, b) => [begin(a, timezone), begin(addDays(b, 1), timezone)];
  if (Array.isArray(asked)) return asked[0].length === 10 ? dates(...asked) : asked.map((x) => local(x, timezone));
  if (asked === '24h') return [now - day, now];
  if (asked === 'day') return dates(today, today);
  if (asked === 'month') return dates(`${today.slice(0, 7)}-01`, today);
  if (asked === 'year') return dates(`${today.slice(0, 4)}-01-01`, today);
  if (asked === 'all') return dates(zoned(visits[0]?.start ?? now, timezone).slice(0, 10), today);
  const n = { '7d': 7, '28d': 28, '30d': 30, '91d': 91, '6mo': 182, '12mo': 365 }[asked];
  return dates(addDays(today, -n), addDays(today, -1));
}

function bucket(at, interval, timezone) {
  const text = zoned(at, timezone);
  if (interval === 'minute') return `${text.slice(0, 16)}:00`;
  if (interval === 'hour') return `${text.slice(0, 13)}:00:00`;
  const date = text.slice(0, 10);
  if (interval === 'month') return `${date.slice(0, 7)}-01`;
  if (interval === 'week') return addDays(date, -((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7));
  return date;
}

function matches([operator, dimension, values, options], visit, hit) {
  if (operator === 'and') return dimension.every((f) => matches(f, visit, hit));
  const value = dimension === 'event:page' ? hit.page : dimension === 'event:name' ? hit.name : (visit[dimension] ?? '(not set)');
  const fold = (s) => (options?.case_sensitive === false ? s.toLowerCase() : s);
  const found = operator.startsWith('is') ? values.includes(value) : values.some((v) => fold(value).includes(fold(v)));
  return operator.endsWith('_not') ? !found : found;
}

function measure(metric, hits, total) {
  const visits = [...new Set(hits.map((h) => h.visit))];
  const users = (list) => new Set(list.map((h) => h.visit.user)).size;
  const views = hits.filter((h) => h.hit.page_view).length;
  const mean = (get) => (visits.length === 0 ? null : visits.reduce((n, v) => n + get(v), 0) / visits.length);
  switch (metric) {
    case 'visitors': return users(hits);
    case 'visits': return visits.length;
    case 'pageviews': return views;
    case 'events': return hits.length;
    case 'views_per_visit': return visits.length === 0 ? null : views / visits.length;
    case 'bounce_rate': return mean((v) => (v.hits.length === 1 ? 100 : 0));
    case 'visit_duration': return mean((v) => (v.end - v.start) / 1000);
    case 'percentage': return total === 0 ? 0 : (users(hits) / total) * 100;
    case 'time_on_page': return 20 + (views % 90);
    case 'scroll_depth': return 35 + (views % 60);
    default: throw new Error(`metric ${metric}`);
  }
}

function evaluate(query, [from, to], visits, timezone) {
  const hits = [];
  for (const visit of visits) {
    if (visit.end < from || visit.start >= to) continue;
    for (const hit of visit.hits) if (hit.at >= from && hit.at < to && (query.filters ?? []).every((f) => matches(f, visit, hit))) hits.push({ visit, hit });
  }
  const dimension = query.dimensions?.[0];
  const key = ({ visit, hit }) => {
    if (!dimension) return '';
    if (dimension.startsWith('time:')) return bucket(hit.at, dimension.slice(5), timezone);
    if (dimension === 'event:page') return hit.page;
    return dimension === 'event:name' ? hit.name : visit[dimension];
  };
  const groups = new Map(dimension ? [] : [['', []]]);
  for (const h of hits) {
    const k = key(h);
    if (!groups.has(k)) groups.set(k, []);
    groups.get(k).push(h);
  }
  const total = measure('visitors', hits);
  return [...groups].filter(([k]) => !/utm_/.test(dimension ?? '') || k !== '(not set)')
    .map(([k, list]) => ({ dimensions: dimension ? [k] : [], metrics: query.metrics.map((m) => measure(m, list, total)) }));
}

export function answer(query, visits, timezone, now) {
  const [from, to] = range(query.date_range, timezone, now, visits);
  const results = evaluate(query, [from, to], visits, timezone);
  const [name, direction] = query.order_by?.[0] ?? [query.metrics[0], 'desc'];
  const value = (row) => (query.metrics.includes(name) ? row.metrics[query.metrics.indexOf(name)] : row.dimensions[0]);
  results.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (direction === 'asc' ? 1 : -1));

  const iso = (ms) => `${zoned(ms, timezone).replace(' ', 'T')}+01:00`;
  const reply = { results, meta: { source: 'events', exact: true, fresh_at: now, cached: false, took_ms: 3, daily_visitors: to - from > 2 * day }, query: { date_range: [iso(from), iso(to - 1000)] } };
  const compare = query.include?.compare;
  if (compare) {
    const old = evaluate(query, range(compare, timezone, now, visits), visits, timezone);
    results.forEach((row, i) => {
      const before = old[i]?.metrics ?? query.metrics.map(() => 0);
      row.comparison = { metrics: before, change: row.metrics.map((m, j) => (before[j] ? ((m - before[j]) / before[j]) * 100 : null)) };
    });
  }
  if (query.include?.total_rows) reply.meta.total_rows = results.length;
  if (query.include?.time_labels) {
    const interval = query.dimensions[0].slice(5);
    const labels = new Set();
    for (let at = from; at < to; at += interval === 'minute' ? 60_000 : 3_600_000) labels.add(bucket(at, interval, timezone));
    reply.meta.time_labels = [...labels];
  }
  const { offset = 0, limit = 10_000 } = query.pagination ?? {};
  reply.results = results.slice(offset, offset + limit);
  return reply;
}
