// Writes a .gz and a .br beside every text file of dist, which the server then sends as they are.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const text = new Set(['.html', '.js', '.css', '.svg']);
const smallest = 512;

for (const name of readdirSync(dist, { recursive: true })) {
  if (!text.has(extname(name))) continue;
  const body = readFileSync(join(dist, name));
  if (body.length < smallest) continue;
  writeFileSync(join(dist, `${name}.gz`), gzipSync(body, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(body, { params }));
}
// The manifest is for size.mjs; it is no part of what is served.
const manifest = join(dist, 'manifest.json');
writeFileSync(new URL('../node_modules/.footfall-manifest.json', import.meta.url), readFileSync(manifest));
rmSync(manifest);
