// Takes the pictures in docs/img: the demo site, with visitors who come by while the camera runs.
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dashboard, launch, setUp } from './browser.mjs';
import { crowd } from './crowd.mjs';
import { start } from './server.mjs';

const folder = fileURLToPath(new URL('../../docs/img/', import.meta.url));
const limit = 300_000;
const looks = [
  ['light', { width: 1280, height: 900 }],
  ['dark', { width: 1280, height: 900, dark: true }],
  ['phone', { width: 390, height: 844, phone: true }],
];

async function overview(page, origin) {
  await page.goto(`${origin}/demo.example`);
  await page.locator('.u-wrap').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0);
}

/** The real-time page shows what was pushed since it was opened, so it stays open for a while. */
async function realtime(page, origin) {
  await page.goto(`${origin}/demo.example/realtime`);
  await page.getByText('Live', { exact: true }).waitFor();
}

const busy = (page) => page.waitForFunction(() => document.querySelectorAll('.feed li').length >= 24 && document.querySelectorAll('.windows .bars span:not(.zero)').length >= 6, undefined, { timeout: 120_000 });

async function take(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const path = `${folder}${name}.png`;
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  const { size } = await stat(path);
  console.log(`${name}.png: ${Math.round(size / 1000)} kB`);
  if (size > limit) throw new Error(`${name}.png has ${size} bytes, at most ${limit}`);
}

await mkdir(folder, { recursive: true });
const [server, browser] = await Promise.all([start(), launch()]);
let people;
try {
  const first = await dashboard(browser);
  await setUp(first, server.origin);
  await server.demoReady(first);
  people = await crowd(first, server.origin);
  const storageState = await first.context().storageState();
  const open = async (options) => dashboard(browser, { ...options, storageState });
  const live = await Promise.all(looks.map(async ([look, options]) => [look, await open(options)]));
  for (const [, page] of live) await realtime(page, server.origin);
  for (const [look, options] of looks) {
    const page = await open(options);
    await overview(page, server.origin);
    await take(page, `overview-${look}`);
    await page.context().close();
  }
  for (const [look, page] of live) {
    await busy(page);
    await take(page, `realtime-${look}`);
  }
} finally {
  await people?.stop();
  await browser.close();
  await server.stop();
}
