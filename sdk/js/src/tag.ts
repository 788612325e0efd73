import { AnalyticsSDK } from './sdk';

type Tagged = Window & { footfall?: AnalyticsSDK; AnalyticsSDK?: typeof AnalyticsSDK };

/** True for an attribute that is there, unless it says "false". */
export const on = (value?: string): boolean => value != null && value != 'false';

/**
 * Reads the script's own tag and starts with it: `data-site` (or `data-tracking-id`), `data-api`, `data-storage`,
 * `data-ignore-signals`. A second tag on the same page does nothing.
 */
export const startFromTag = (start: (sdk: AnalyticsSDK, data: DOMStringMap) => void): void => {
  try {
    const page = window as Tagged;
    page.AnalyticsSDK ||= AnalyticsSDK;
    const tag = (document.currentScript || document.querySelector('script[data-site],script[data-tracking-id]')) as HTMLScriptElement;
    const data = tag.dataset;
    const site = data.site || data.trackingId;
    if (!site || page.footfall) return;
    const sdk = (page.footfall = new AnalyticsSDK(site, {
      endpoint: data.api || new URL('/v1/events', tag.src).href,
      // These two must be said in full.
      storage: data.storage == 'true',
      ignoreSignals: data.ignoreSignals == 'true',
    }));
    start(sdk, data);
  } catch {
    // A page without its statistics is better than a broken page.
  }
};
