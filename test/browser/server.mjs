// The real binary on a fresh data directory and a free port. It is stopped by its pid and by nothing else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// FOOTFALL_* are settings of the server, and one it does not know is an error.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FOOTFALL_')));
const binary = resolve(process.env.FOOTFALL_BINARY ?? new URL('../../bin/footfall', import.meta.url).pathname);

/** Asks again until the answer is truthy. A condition that never comes is an error that says what was waited for. */
export async function until(what, ask, within = 20_000) {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${within} ms in vain: ${what}`);
    await new Promise((r) => setTimeout(r, 25));
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((r) => probe.listen(0, '127.0.0.1', r));
  const { port } = probe.address();
  await new Promise((r) => probe.close(r));
  return port;
}

/** A running `footfall serve`. `kill` and `run` may follow each other on the same data and port. */
class Server {
  constructor(data, port, demo) {
    Object.assign(this, { data, port, demo, output: '', origin: `http://127.0.0.1:${port}` });
  }

  async run() {
    const args = ['serve', '--data', this.data, '--listen', `127.0.0.1:${this.port}`, '--ops-listen', 'off', ...(this.demo ? ['--demo'] : [])];
    this.startedAt = Date.now();
    this.process = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    // A test that dies leaves nothing behind.
    const child = this.process;
    process.once('exit', () => child.kill('SIGKILL'));
    const ended = new Promise((done) => this.process.once('exit', (code, signal) => done({ code, signal })));
    this.ended = ended;
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => (this.output += text));
    let over = false;
    void ended.then(() => (over = true));
    await until('the server is ready', async () => {
      if (over) throw new Error(`the server ended: ${this.output}`);
      return fetch(`${this.origin}/api/v1/health`).then((r) => r.ok, () => false);
    });
    return this;
  }

  /** Waits until the demo's 90 days are not only in the log but counted. Asks with the login of the page. */
  async demoReady(page) {
    const [, events] = await until('the demo traffic is in the log', () => this.output.match(/the demo traffic is in" events=(\d+)/), 120_000);
    const stored = () => page.evaluate(() => fetch('/api/v1/sites/demo.example/status').then((r) => r.json()).then((status) => status.events));
    await until(`${events} events are counted`, async () => (await stored()) >= Number(events), 60_000);
  }

  async signal(name) {
    this.process.kill(name);
    return this.ended;
  }

  kill() {
    return this.signal('SIGKILL');
  }

  async stop() {
    const { code, signal } = await this.signal('SIGTERM');
    await rm(this.data, { recursive: true, force: true });
    assert.equal(signal ?? code, 0, `the server did not end cleanly: ${this.output}`);
  }
}

export async function start({ demo = true } = {}) {
  assert.ok(existsSync(binary), `no binary at ${binary}: run "make build" or set FOOTFALL_BINARY`);
  return new Server(await mkdtemp(join(tmpdir(), 'footfall-browser-')), await freePort(), demo).run();
}
