// A small site on loopback that serves pages with the tracker on them and records what the tracker sends.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const dist = new URL('../../dist/', import.meta.url);

/** Opens the site. `site.page(path, html)` adds a page; `site.requests` are the recorded posts, oldest first. */
export async function openSite() {
  const site = { requests: [], pages: {}, replies: [] };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    if (pathname.startsWith('/js/')) {
      const script = await readFile(new URL(pathname.slice(4), dist)).catch(() => null);
      response.writeHead(script ? 200 : 404, { 'Content-Type': 'text/javascript' });
      return response.end(script);
    }
    if (pathname == '/v1/events') return record(site, request, response);
    response.setHeader('Content-Type', 'text/html');
    if (!(pathname in site.pages)) response.statusCode = 404;
    response.end(site.pages[pathname] ?? site.pages['*'] ?? 'nothing here');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  site.origin = `http://127.0.0.1:${server.address().port}`;
  site.close = () => {
    server.closeAllConnections();
    server.close();
  };
  site.page = (path, { attributes = '', body = '', title = path, script = 'footfall.js' } = {}) => {
    site.pages[path] = `<!doctype html><title>${title}</title>${script && `<script defer src="/js/${script}" data-site="ft_test" ${attributes}></script>`}<body>${body}`;
  };
  site.events = () => site.requests.flatMap((request) => request.events);
  site.seen = () => site.events().map(({ type, data }) => `${type} ${data.action ?? data.page}`);
  return site;
}

async function record(site, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('Access-Control-Allow-Origin', '*');
  if (request.method != 'OPTIONS') {
    const body = JSON.parse(Buffer.concat(chunks).toString());
    site.requests.push({ method: request.method, headers: request.headers, ...body });
    response.statusCode = site.replies.shift() ?? 200;
  } else site.requests.push({ method: 'OPTIONS', headers: request.headers, events: [] });
  response.end('{"status":"ok","received":1}');
}
