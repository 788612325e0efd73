// Fails the build when the JavaScript of a first view, gzipped, is above the budget. A first view is the entry, the page and all that
// they import, those parts included which the page loads lazily but always (the chart).
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 90_000;
const views = {
  overview: ['index.html', 'src/pages/overview/Overview.svelte', 'src/pages/overview/Chart.svelte'],
  realtime: ['index.html', 'src/pages/realtime/Realtime.svelte'],
  login: ['index.html', 'src/pages/account/Login.svelte'],
};
const manifest = JSON.parse(readFileSync(new URL('../node_modules/.footfall-manifest.json', import.meta.url), 'utf8'));
const dist = new URL('../dist/', import.meta.url);

function collect(key, files) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`size: "${key}" is not in the manifest of the build`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const next of chunk.imports ?? []) collect(next, files);
}

let failed = false;
for (const [view, roots] of Object.entries(views)) {
  const files = new Set(['theme.js']);
  for (const root of roots) collect(root, files);
  let bytes = 0;
  for (const file of files) bytes += gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  const fits = bytes <= budget;
  failed ||= !fits;
  console.log(`size: ${view}: ${(bytes / 1000).toFixed(1)} kB of JavaScript, gzip (at most ${budget / 1000})${fits ? '' : ' TOO LARGE'}`);
}
process.exit(failed ? 1 : 0);
