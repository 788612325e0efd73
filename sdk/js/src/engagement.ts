import type { AnalyticsSDK } from './sdk';

/** What trackEngagement returns, for trackPages. */
export interface Engagement {
  onLeave(): void;
  onEnter(): void;
}

/**
 * Measures how long the page is visible and focused and how far it is scrolled, and sends both as an engagement event
 * whenever the page is hidden or left.
 */
export const trackEngagement = (sdk: AnalyticsSDK): Engagement => {
  let since = 0; // when the page came to attention, 0 while it has none
  let time = 0; // ms of attention not yet sent
  let bottom = 0; // the lowest pixel seen
  let told = 0; // the depth last sent
  const look = () => {
    bottom = Math.max(bottom, scrollY + innerHeight);
  };
  const tick = () => {
    const now = performance.now();
    if (since) time += now - since;
    since = document.visibilityState == 'visible' && document.hasFocus() ? now : 0;
  };
  const onLeave = () => {
    tick();
    const depth = Math.min(100, Math.round((bottom * 100) / document.documentElement.scrollHeight));
    const spent = Math.round(time);
    if (spent || depth > told) {
      sdk.track('engagement', { time_on_page: spent, scroll_depth: depth });
      time = 0;
      told = Math.max(told, depth);
    }
  };
  const onEnter = () => {
    time = told = 0;
    bottom = innerHeight; // the scroll position may still be that of the page before
    tick();
  };
  addEventListener('scroll', look, { passive: true });
  addEventListener('focus', tick);
  addEventListener('blur', tick);
  document.addEventListener('visibilitychange', () => (document.visibilityState == 'hidden' ? onLeave() : tick()));
  const end = () => {
    onLeave();
    since = 0; // a page that is left is still "visible" at this point, and hidden a moment later
    sdk.flush(); // the SDK's own listener was called before this one
  };
  addEventListener('pagehide', end);
  return { onLeave, onEnter };
};
