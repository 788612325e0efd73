// Builds dist: three scripts for the page, and a module with its types for npm.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { minify } from 'terser';

const root = new URL('../', import.meta.url);
const { version } = JSON.parse(await readFile(new URL('package.json', root)));
const path = (name) => new URL(name, root).pathname;

const common = {
  bundle: true,
  write: false,
  target: 'es2021',
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  define: { VERSION: JSON.stringify(version) },
  absWorkingDir: path('.'),
};

async function script(name) {
  const { outputFiles } = await build({
    ...common, entryPoints: [`src/${name}.ts`], format: 'iife', minify: true, mangleProps: /^_/,
  });
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2020, compress: { passes: 3, unsafe_arrows: true }, mangle: true, format: { wrap_func_args: false },
  });
  await writeFile(path(`dist/${name}.js`), code + '\n');
}

async function module() {
  const { outputFiles } = await build({ ...common, entryPoints: ['src/index.ts'], format: 'esm' });
  await writeFile(path('dist/index.js'), outputFiles[0].text);
}

await mkdir(path('dist'), { recursive: true });
for (const name of await readdir(path('dist'))) {
  if (name != '.keep') await rm(path(`dist/${name}`), { recursive: true });
}
await script('footfall');
await script('footfall.core');
await script('footfall.everything');
await module();
execFileSync(path('node_modules/.bin/tsc'), ['-p', 'tsconfig.types.json'], { cwd: path('.'), stdio: 'inherit' });
