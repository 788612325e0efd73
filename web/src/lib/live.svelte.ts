// The live connection of one site: a WebSocket that is opened again after each loss, polling while it is down, and an honest word about
// how old the numbers are.
import { api, type Minute, type Realtime, type Top, type Tops, type Totals } from './api';

export type LiveState = 'connecting' | 'live' | 'polling' | 'stale';

export interface LiveEvent {
  id: number;
  timestamp: number;
  event_type: string;
  name: string;
  page: string;
  title: string;
  country: string;
  source: string;
  device_type: string;
  browser: string;
  visit_events: number;
}

export interface Window { start: number; pageviews: number; events: number; active_visitors: number; open: boolean }

type Message =
  | { type: 'hello'; now: number; realtime: Realtime }
  | ({ type: 'metrics' } & Window)
  | ({ type: 'minute' } & Minute)
  | { type: 'current'; visitors: number }
  | ({ type: 'totals'; top: Tops } & Totals)
  | ({ type: 'event' } & Omit<LiveEvent, 'id'>)
  | { type: 'status'; available: boolean; reason: string };

const minuteMillis = 60_000;
const minutesShown = 30;
export const windowMillis = 10_000;
const windowsShown = 30;
const eventsShown = 50;
const pollEvery = 5_000;
const silenceLimit = 25_000; // "current" comes every 10 s: two of them missed
const longestWait = 30_000;

/** The wait before attempt n: doubling from 1 s to 30 s, half of it at random, so that many pages do not come back at once. */
export function backoff(attempt: number, random: number): number {
  const ceiling = Math.min(longestWait, 1000 * 2 ** attempt);
  return ceiling / 2 + (random * ceiling) / 2;
}

/** The last 30 minutes up to `now`, gaps filled with zeros. */
export function slide(minutes: Minute[], now: number): Minute[] {
  const last = Math.floor(now / minuteMillis) * minuteMillis;
  const byStart = new Map(minutes.map((m) => [m.start, m]));
  return Array.from({ length: minutesShown }, (_, i) => {
    const start = last - (minutesShown - 1 - i) * minuteMillis;
    return byStart.get(start) ?? { start, active_users: 0, pageviews: 0, events: 0 };
  });
}

/** Where the ten-second window of an instant starts. */
export const windowOf = (ms: number): number => Math.floor(ms / windowMillis) * windowMillis;

export class Live {
  state = $state<LiveState>('connecting');
  current = $state<number | null>(null);
  minutes = $state.raw<Minute[]>([]);
  windows = $state.raw<Window[]>([]);
  totals = $state.raw<Totals>({ active_users: 0, pageviews: 0, events: 0 });
  top = $state.raw<{ pages: Top[]; sources: Top[]; countries: Top[] }>({ pages: [], sources: [], countries: [] });
  events = $state.raw<LiveEvent[]>([]);
  available = $state(true);
  reason = $state('');
  heardAt = $state(0);
  /** The server's time, second by second. */
  clock = $state(0);
  /** From this window on nothing was missed; what was before the connection is unknown, not zero. */
  since = $state(0);
  /** Rises with every counted event: who shows history that includes now may ask again. */
  version = $state(0);
  ready = $state(false);

  #socket: WebSocket | undefined;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #attempt = 0;
  #skew = 0;
  #serial = 0;
  #closed = false;
  #poll: ReturnType<typeof setInterval> | undefined;

  constructor(readonly site: string) {
    this.#connect();
    const tick = setInterval(() => this.#tick(), 1000);
    this.#stopTick = () => clearInterval(tick);
  }
  #stopTick: () => void;

  /** The server's clock, as far as the last messages tell. */
  now(): number {
    return Date.now() + this.#skew;
  }

  close(): void {
    this.#closed = true;
    this.#stopTick();
    clearInterval(this.#poll);
    this.#timers.forEach(clearTimeout);
    this.#socket?.close();
  }

  #connect(): void {
    if (this.#closed) return;
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/live?site_id=${encodeURIComponent(this.site)}`);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#read(String(event.data));
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
  }

  #lost(): void {
    this.#socket = undefined;
    if (this.#closed) return;
    this.#startPolling();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#connect();
    }, backoff(this.#attempt++, Math.random()));
    this.#timers.add(timer);
  }

  #startPolling(): void {
    if (this.#poll !== undefined) return;
    this.state = this.ready ? 'polling' : 'connecting';
    void this.#ask();
    this.#poll = setInterval(() => void this.#ask(), pollEvery);
  }

  async #ask(): Promise<void> {
    try {
      const realtime = await api.realtime(this.site);
      if (this.#closed || this.state === 'live') return;
      this.#hello(realtime.now, realtime);
      this.version++;
      this.state = 'polling';
    } catch {
      if (!this.#closed && this.state !== 'live' && this.ready) this.state = 'stale';
    }
  }

  #tick(): void {
    if (this.ready) {
      this.clock = this.now();
      this.minutes = slide(this.minutes, this.clock);
    }
    if (this.state === 'live' && Date.now() - this.heardAt > silenceLimit) {
      const silent = this.#socket;
      this.state = 'stale';
      this.#lost();
      silent?.close();
    }
  }

  #read(text: string): void {
    let message: Message;
    try {
      message = JSON.parse(text) as Message;
    } catch {
      return;
    }
    this.heardAt = Date.now();
    this.#apply(message);
  }

  #apply(m: Message): void {
    switch (m.type) {
      case 'hello': {
        clearInterval(this.#poll);
        this.#poll = undefined;
        const again = this.ready;
        this.#hello(m.now, m.realtime);
        this.#attempt = 0;
        this.since = windowOf(m.now);
        this.state = 'live';
        if (again) this.version++;
        break;
      }
      case 'metrics':
        this.windows = [...this.windows.filter((w) => w.start !== m.start), m].sort((a, b) => a.start - b.start).slice(-windowsShown);
        this.version++;
        break;
      case 'minute':
        this.minutes = slide([...this.minutes.filter((x) => x.start !== m.start), m], Math.max(this.now(), m.start));
        this.version++;
        break;
      case 'current':
        this.current = m.visitors;
        break;
      case 'totals':
        this.totals = m;
        this.top = { pages: m.top?.pages ?? [], sources: m.top?.sources ?? [], countries: m.top?.countries ?? [] };
        break;
      case 'event':
        this.events = [{ ...m, id: this.#serial++ }, ...this.events].slice(0, eventsShown);
        break;
      case 'status':
        this.available = m.available;
        this.reason = m.reason;
        break;
    }
  }

  #hello(now: number, r: Realtime): void {
    this.heardAt = Date.now();
    this.#skew = now - Date.now();
    this.clock = now;
    this.available = r.available;
    this.current = r.current_visitors;
    this.minutes = slide(r.minutes ?? [], now);
    this.totals = r.metrics ?? { active_users: 0, pageviews: 0, events: 0 };
    this.top = { pages: r.top?.pages ?? [], sources: r.top?.sources ?? [], countries: r.top?.countries ?? [] };
    this.ready = true;
  }
}
