// Debian's Chromium, driven by playwright-core, with the back/forward cache on.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
export const missing = existsSync(executablePath) ? false : `no browser at ${executablePath} (set CHROMIUM)`;

export const openBrowser = () =>
  chromium.launch({
    executablePath,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

export const sleep = (millis) => new Promise((done) => setTimeout(done, millis));

/** Waits until check returns something true, and returns it. */
export async function until(check, what, millis = 15_000) {
  for (const end = Date.now() + millis; ; await sleep(20)) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`it did not come to be that ${what}`);
  }
}
