// The small script: page views, custom events, single-page applications, batches, session. Its events have the form of
// AnalyticsSDK's, but it measures no engagement, has no class to be constructed, and waits five seconds after every failure.
import type { EventData, EventType } from './config';
import { uuid } from './uuid';
import { visitorIds } from './visitor';

const tag = document.currentScript as HTMLScriptElement;
const { site, trackingId, api, storage, ignoreSignals } = tag.dataset;
const id = site || trackingId!;
const endpoint = api || new URL('/v1/events', tag.src).href;

let queue: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let page: string;
let url: string;
let referrer = document.referrer;

const flush = () => {
  timer = clearTimeout(timer) as undefined;
  while (queue[0]) {
    const batch = queue.splice(0, 20);
    const body = `{"events":[${batch}],"sent_at":${Date.now()}}`;
    if (!navigator.sendBeacon?.(endpoint, body)) {
      fetch(endpoint, { method: 'POST', body, keepalive: body.length < 6e4 }).then((reply) => {
        if (reply.status == 429 || reply.status > 499) throw 0;
      }).catch(() => {
        queue = batch.concat(queue);
        wait(5000);
      });
    }
  }
};

const wait = (millis: number) => {
  timer ||= setTimeout(flush, millis);
};

const track = (type: EventType, data?: EventData) => {
  if (ignoreSignals == 'true' || !((navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl || navigator.doNotTrack == '1')) {
    try {
      const now = Date.now();
      queue.push(JSON.stringify({
        id: uuid(now),
        type,
        tracking_id: id,
        ...(storage == 'true' && visitorIds(id, now)),
        data: { page, timestamp: now, ...data },
        context: {
          url,
          referrer,
          title: document.title,
          screen: screen.width + 'x' + screen.height,
          language: navigator.language,
          timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          sdk: 'js/' + VERSION,
          webdriver: navigator.webdriver || undefined,
        },
      }));
      queue = queue.slice(-1000);
      wait(300);
    } catch {}
  }
};

const trackPageView = (path = location.pathname + location.search, title = document.title) => {
  referrer = url || referrer;
  url = location.href;
  page = path;
  track('pageview', { page, title, referrer });
};

let last: string;
const moved = (event?: { persisted?: boolean }) => {
  if (event?.persisted || last != location.pathname) {
    last = location.pathname;
    trackPageView();
  }
};

(window as { footfall?: object }).footfall = {
  track,
  trackPageView,
  trackEvent: (category: string, action: string, label?: string, value?: number) => track('event', { category, action, label, value }),
  flush,
};
const start = () => {
  moved();
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name];
    history[name] = function (...args) {
      original.apply(this, args);
      moved();
    };
  }
  addEventListener('popstate', moved as EventListener);
  addEventListener('pageshow', moved);
};
addEventListener('pagehide', flush);
addEventListener('visibilitychange', flush);
if ((document as { prerendering?: boolean }).prerendering) document.addEventListener('prerenderingchange', start);
else start();
