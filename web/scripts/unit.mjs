// Compiles the unit tests with the bundler of the product and runs them with node's own runner.
import { readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'vite';

const root = new URL('..', import.meta.url).pathname;
const outDir = join(root, 'node_modules/.unit');
const input = readdirSync(join(root, 'test/unit')).filter((f) => f.endsWith('.test.ts')).map((f) => join(root, 'test/unit', f));

rmSync(outDir, { recursive: true, force: true });
await build({
  configFile: false,
  root,
  logLevel: 'warn',
  publicDir: false,
  build: { ssr: true, outDir, rollupOptions: { input, output: { entryFileNames: '[name].mjs' } } },
});
const files = readdirSync(outDir).filter((f) => f.endsWith('.test.mjs')).map((f) => join(outDir, f));
const run = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit', env: { ...process.env, TZ: 'America/Lima' } });
process.exit(run.status ?? 1);
