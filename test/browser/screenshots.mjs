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
  ['phone', { width: 390, height: 844 }],
];

async function overview(page, origin) {
  await page.goto(`${origin}/demo.example`);
  await page.locator('.u-wrap').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0);
}

async function realtime(page, origin) {
  await page.goto(`${origin}/demo.example/realtime`);
  await page.getByText('Live', { exact: true }).waitFor();
  // Enough happened that the feed and the ten-second windows have something to say.
  await page.waitForFunction(() => document.querySelectorAll('.feed li').length >= 12);
}

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
  for (const [look, options] of looks) {
    const page = await dashboard(browser, { ...options, storageState });
    await overview(page, server.origin);
    await take(page, `overview-${look}`);
    await realtime(page, server.origin);
    await take(page, `realtime-${look}`);
    await page.context().close();
  }
} finally {
  await people?.stop();
  await browser.close();
  await server.stop();
}
