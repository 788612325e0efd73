// People on the demo site while it is looked at: events by the door for servers, which may name the address and browser of the visitor.
const visitors = [
  ['53.12.4.7', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36', 'https://www.google.com/'],
  ['99.145.20.1', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1', 'https://www.instagram.com/'],
  ['25.3.99.8', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15', ''],
  ['90.20.1.44', 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36', 'https://www.google.com/'],
  ['145.97.8.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'https://chatgpt.com/'],
  ['99.225.7.7', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0', 'https://www.bing.com/'],
  ['78.65.3.2', 'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1', 'https://duckduckgo.com/'],
  ['133.4.8.9', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36', 'https://news.ycombinator.com/'],
];
const people = 131;
/** A number from 0 to 1 that looks like chance and is the same in each run. */
const scatter = (n) => Math.abs(Math.sin(n * 12.9898) * 43_758.5453) % 1;
const steps = ['/', '/shop/lamps', '/product/aurora-lamp', 'add_to_cart', '/checkout', 'purchase'];

/** Every so often somebody takes the next step of a walk through the shop, and did so in the half hour before. Ends with `stop`. */
export async function crowd(page, origin, every = 2_100) {
  const { site } = await page.evaluate(() => fetch('/api/v1/sites/demo.example').then((r) => r.json()));
  const { key } = await page.evaluate(() => fetch('/api/v1/sites/demo.example/keys', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: 'crowd', scopes: ['ingest'] }),
  }).then((r) => r.json()));

  let turn = 0;
  /** Each of them comes by every so often and takes the next step of a walk of his own length. */
  const happens = (at) => {
    const n = turn++;
    const who = (n * 7) % people;
    const [network, userAgent, referrer] = visitors[who % visitors.length];
    const step = steps[(Math.floor(n / people) + who) % (2 + (who % 5))];
    const view = step.startsWith('/');
    return {
      type: view ? 'pageview' : 'event', tracking_id: site.tracking_id,
      data: { timestamp: at, page: view ? step : '/product/aurora-lamp', referrer, ...(view ? {} : { name: step }), ...(step === 'purchase' ? { revenue: '129.00', currency: 'EUR' } : {}) },
      context: { hostname: site.domain, ip: network.replace(/\d+$/, String(1 + (who % 250))), user_agent: userAgent, language: 'en' },
    };
  };
  async function send(events) {
    const reply = await fetch(`${origin}/v1/events`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` }, body: JSON.stringify(events) });
    const { rejected } = await reply.json();
    if (!reply.ok || rejected?.length) throw new Error(`the door refused: ${reply.status} ${JSON.stringify(rejected)}`);
  }

  // Half an hour of the past arrives at once, in batches as large as the door takes; the rest as it happens.
  const now = Date.now();
  const past = [];
  for (let at = now - 30 * 60_000; at < now; at += every * (0.55 + 0.3 * Math.sin(at / 211_000) + 0.8 * scatter(Math.floor(at / 60_000)) * scatter(at))) past.push(happens(Math.round(at)));
  for (let i = 0; i < past.length; i += 500) await send(past.slice(i, i + 500));
  let last = Promise.resolve();
  const timer = setInterval(() => (last = last.then(() => send([happens(Date.now())]))), every);
  return { stop: () => { clearInterval(timer); return last; } };
}
