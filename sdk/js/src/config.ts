/** Settings of an AnalyticsSDK. Each may be left out. */
export interface Config {
  /** Where events are sent: a URL or a path. Default: "/v1/events" of the page's own origin. */
  endpoint?: string;
  /**
   * True keeps a visitor id and a session id in localStorage, where the visitor agreed to it.
   * Default: nothing is stored, no id is sent, and the server derives both for a day.
   */
  storage?: boolean;
  /** Your own id of the visitor, sent as it is. */
  userId?: string;
  /** True sends even where the browser asks not to be tracked (Global Privacy Control, Do Not Track). Default: nothing is sent then. */
  ignoreSignals?: boolean;
  /** False sends with fetch while the page is open, so that each answer is seen and failures are tried again. Default: the beacon goes first. */
  beacon?: boolean;
}

/** The types of events that the server knows. */
export type EventType = 'pageview' | 'event' | 'engagement' | 'identify' | 'vitals' | 'error';

/** The data of an event; docs/format/ingest.md says which keys count for which type. */
export interface EventData {
  page?: string;
  title?: string;
  referrer?: string;
  /** Milliseconds since 1970. Default: now. */
  timestamp?: number;
  name?: string;
  category?: string;
  action?: string;
  label?: string;
  value?: number;
  /** False for what the visitor did not do on purpose: such an event does not end a bounce. */
  interactive?: boolean;
  /** Decimal text or a number; needs `currency`. */
  revenue?: string | number;
  /** ISO 4217, as "EUR". */
  currency?: string;
  time_on_page?: number;
  scroll_depth?: number;
  properties?: Record<string, string | number | boolean>;
}
