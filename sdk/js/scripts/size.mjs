// Prints the sizes of the scripts and fails above their budgets.
import { readFile } from 'node:fs/promises';
import { gzipSync, brotliCompressSync } from 'node:zlib';

const budgets = { 'footfall.core.js': 1200, 'footfall.js': 3000, 'footfall.everything.js': 3500 };
let over = false;
for (const [name, budget] of Object.entries(budgets)) {
  const text = await readFile(new URL(`../dist/${name}`, import.meta.url));
  const gzip = gzipSync(text, { level: 9 }).length;
  over ||= gzip > budget;
  console.log(`${name.padEnd(24)} ${text.length} B, gzip ${gzip} B of ${budget}, brotli ${brotliCompressSync(text).length} B${gzip > budget ? '  TOO BIG' : ''}`);
}
if (over) {
  console.error('a script is above its budget');
  process.exit(1);
}
