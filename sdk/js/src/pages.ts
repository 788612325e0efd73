import type { AnalyticsSDK } from './sdk';

/** Settings of trackPages. */
export interface PageOptions {
  /** True counts a change of the part behind "#" as a new page: "/app#/users" is page "/app/users". */
  hash?: boolean;
  /** Called before a page view that follows another one in the same document. */
  onLeave?: () => void;
  /** Called before each page view. */
  onEnter?: () => void;
}

/** Returns the page of a single-page application that routes behind "#". */
const hashPage = (): string => location.pathname.replace(/\/$/, '') + '/' + location.hash.replace(/^#!?\/?/, '');

/**
 * Counts this page and those that follow in the same document: history entries that change the path, back and forward,
 * and the page's return from the back/forward cache. A prerendered page counts when it is shown.
 */
export const trackPages = (sdk: AnalyticsSDK, { hash, onLeave, onEnter }: PageOptions = {}): void => {
  let last: string;
  const key = () => (hash ? hashPage() : location.pathname);
  const view = () => {
    last = key();
    onEnter?.();
    sdk.trackPageView(hash ? last : undefined);
  };
  const moved = () => {
    if (last != key()) {
      onLeave?.();
      view();
    }
  };
  const start = () => {
    view();
    for (const name of ['pushState', 'replaceState'] as const) {
      const original = history[name];
      history[name] = function (...args) {
        original.apply(this, args);
        moved();
      };
    }
    addEventListener('popstate', moved);
    if (hash) addEventListener('hashchange', moved);
    addEventListener('pageshow', (event) => event.persisted && view());
  };
  if ((document as Document & { prerendering?: boolean }).prerendering) {
    document.addEventListener('prerenderingchange', start, { once: true });
  } else start();
};
