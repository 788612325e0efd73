// A website that somebody counts with Footfall: another origin, served by the test, with exactly the snippet of the dashboard in its head.
import { createServer } from 'node:http';

const escapeHTML = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

export async function website(snippet) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Page ${escapeHTML(pathname)}</title>${snippet}</head><body><h1>Hello</h1></body></html>`);
  });
  await new Promise((r) => server.listen(0, 'localhost', r));
  return {
    origin: `http://localhost:${server.address().port}`,
    stop: () => new Promise((r) => { server.close(r); server.closeAllConnections(); }),
  };
}
