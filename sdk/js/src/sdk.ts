import type { Config, EventData, EventType } from './config';
import { uuid } from './uuid';
import { visitorIds } from './visitor';

const maxBatch = 20;
const maxQueue = 1000;
/** Beacons and keepalive requests may have 64 KiB under way; a batch stays below it, a single bigger event goes by plain fetch. */
const maxBody = 60_000;

interface Wire {
  type: EventType;
  data: EventData;
  context: { title: string };
}

/**
 * Sends page views and events to Footfall. It never throws into the page: what cannot be sent is dropped.
 *
 * Each event gets its id and its text when it is tracked, so later changes to `data` do not count and an event that is
 * sent again is known as the same.
 */
export class AnalyticsSDK {
  private _id: string;
  private _config: Config;
  /** Events as JSON text, oldest first. */
  private _queue: string[] = [];
  /** The last page view: single-page applications set its title a moment after they changed the address. */
  private _untitled?: Wire;
  private _timer?: ReturnType<typeof setTimeout>;
  /** Failures in a row; above 0 the timer is a pause that new events do not cut short. */
  private _failures = 0;
  /** Page, address and referrer of the last page view: where the events after it happen. */
  private _page?: string;
  private _url?: string;
  private _referrer?: string;

  constructor(trackingId: string, config: Config = {}) {
    this._id = trackingId;
    this._config = config;
    try {
      // On window, so behind those who listen on document and still have something to say.
      addEventListener('visibilitychange', () => document.visibilityState == 'hidden' && this._send(true));
      addEventListener('pagehide', () => this._send(true));
      addEventListener('online', () => this._send());
    } catch {
      // Not a browser: nothing will be sent.
    }
  }

  /** Counts a page view. Default: the path of the address and the title of the document. */
  trackPageView(page?: string, title?: string): void {
    try {
      this._settle();
      this._referrer = this._url || document.referrer;
      this._url = location.href;
      this._page = '' + (page || location.pathname + location.search); // text, so that it cannot spoil the events after it
      this.track('pageview', { page: this._page, title, referrer: this._referrer });
    } catch {}
  }

  /** Counts something the visitor did; `action` is the event's name. */
  trackEvent(category: string, action: string, label?: string, value?: number): void {
    this.track('event', { category, action, label, value });
  }

  /** Queues an event of any type; it leaves within a second, a page view within a tenth. */
  track(type: EventType, data?: EventData): void {
    try {
      const { storage, userId, ignoreSignals } = this._config;
      const { language, webdriver, globalPrivacyControl, doNotTrack } = navigator as Navigator & {
        globalPrivacyControl?: boolean;
      };
      if ((globalPrivacyControl || doNotTrack == '1') && !ignoreSignals) return;
      this._settle();
      const now = Date.now();
      const event = {
        id: uuid(now),
        type,
        tracking_id: this._id,
        ...(storage && visitorIds(this._id, now)),
        ...(userId && { user_id: userId }),
        data: { page: this._page, timestamp: now, ...data },
        context: {
          url: this._url || location.href,
          referrer: this._referrer ?? document.referrer,
          title: document.title,
          screen: screen.width + 'x' + screen.height,
          language,
          timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          sdk: 'js/' + VERSION,
          webdriver: webdriver || undefined,
        },
      };
      const view = type == 'pageview';
      if (view && !event.data.title) this._untitled = event;
      else this._push(event);
      if (!this._failures) {
        if (view) clearTimeout(this._timer), (this._timer = undefined);
        if (this._queue.length < maxBatch) this._wait(view ? 100 : 1000);
        else this._send();
      }
    } catch {}
  }

  /** Sends what is queued now. */
  flush(): void {
    this._send();
  }

  private _push(event: Wire): void {
    this._queue.push(JSON.stringify(event));
    if (this._queue.length > maxQueue) this._queue.shift();
  }

  private _settle(): void {
    const event = this._untitled;
    if (event) {
      this._untitled = undefined;
      event.data.title = event.context.title = document.title;
      this._push(event);
    }
  }

  private _wait(millis: number): void {
    this._timer ||= setTimeout(() => this._send(), millis);
  }

  private _send(leaving?: boolean): void {
    try {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._settle();
      // Without a network events wait for the "online" event.
      while (this._queue.length && (leaving || navigator.onLine !== false)) this._post(this._batch(), leaving);
    } catch {}
  }

  /** Takes the next events off the queue: at most maxBatch, at least one, and no more than maxBody in all. */
  private _batch(): string[] {
    let n = 1;
    let size = this._queue[0].length;
    while (n < maxBatch && this._queue[n] && (size += this._queue[n].length) < maxBody) n++;
    return this._queue.splice(0, n);
  }

  private _post(batch: string[], leaving?: boolean): void {
    const { endpoint = '/v1/events', beacon } = this._config;
    const body = `{"events":[${batch}],"sent_at":${Date.now()}}`;
    try {
      if ((leaving || beacon !== false) && navigator.sendBeacon(endpoint, body)) return;
    } catch {
      // No beacon, or one that refuses the address.
    }
    fetch(endpoint, { method: 'POST', body, keepalive: body.length < maxBody }).then(
      (reply) => {
        if (reply.status == 429 || reply.status > 499) this._again(batch, +reply.headers.get('retry-after')!);
        else this._failures = 0;
      },
      () => this._again(batch),
    );
  }

  /** Puts the events of a failed request back and waits, twice as long each time. */
  private _again(batch: string[], seconds = 0): void {
    this._queue = batch.concat(this._queue).slice(-maxQueue);
    // Of several requests under way that fail, the first one sets the pause.
    if (this._failures && this._timer) return;
    clearTimeout(this._timer);
    this._timer = undefined;
    const pause = Math.min(2 ** this._failures++, 64) * (0.5 + Math.random());
    this._wait(Math.max(pause, seconds || 0) * 1000);
  }
}
