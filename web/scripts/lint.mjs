// Refuses what would let a tracked string become markup, and what the content security policy would block at run time.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const src = new URL('../src/', import.meta.url).pathname;
const rules = [
  [/\{@html/, '{@html} is not allowed: every tracked string is hostile'],
  [/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b/, 'markup from strings is not allowed'],
  [/\b(eval\(|new Function\()/, 'code from strings is not allowed'],
  [/\sstyle="/, 'a style attribute is blocked by the policy: use style:name={...}'],
  [/https?:\/\/[\w-]+\./, 'no address of another host belongs in the dashboard'],
];
const longest = 600;

let failed = false;
for (const name of readdirSync(src, { recursive: true })) {
  if (!/\.(ts|svelte|css)$/.test(name)) continue;
  const lines = readFileSync(join(src, name), 'utf8').split('\n');
  const report = (line, text) => {
    failed = true;
    console.error(`src/${name}:${line}: ${text}`);
  };
  if (lines.length > longest) report(longest, `longer than ${longest} lines`);
  lines.forEach((line, i) => rules.forEach(([pattern, text]) => pattern.test(line) && report(i + 1, text)));
}
process.exit(failed ? 1 : 0);
