// Numbers and times as people read them. All of it by Intl, in the language of the messages.
import { locale, t } from './messages';
import type { Value } from './api';

export type Metric = 'visitors' | 'visits' | 'pageviews' | 'views_per_visit' | 'bounce_rate' | 'visit_duration' | 'events'
  | 'percentage' | 'time_on_page' | 'scroll_depth';

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
const three = new Intl.NumberFormat(locale, { notation: 'compact', minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const two = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const one = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const compactFrom = 10_000;

export const none = '–';

/** 1,234 as it is, 12,045 as 12.0K. */
export function count(n: Value | undefined): string {
  if (n === null || n === undefined) return none;
  return Math.abs(n) < compactFrom ? whole.format(n) : three.format(n);
}

export function exactCount(n: Value | undefined): string {
  return n === null || n === undefined ? none : whole.format(n);
}

export function percent(n: Value | undefined): string {
  if (n === null || n === undefined) return none;
  const digits = n >= 0.05 && n < 9.95 ? one : whole;
  return t('format.percent', { n: digits.format(n) });
}

/** Seconds as 45s, 3m 05s or 1h 02m. */
export function duration(seconds: Value | undefined): string {
  if (seconds === null || seconds === undefined) return none;
  const s = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return t('format.seconds', { s });
  if (s < 3600) return t('format.minutes', { m: Math.floor(s / 60), s: pad(s % 60) });
  return t('format.hours', { h: Math.floor(s / 3600), m: pad(Math.floor((s % 3600) / 60)) });
}

export function metricValue(metric: string, value: Value | undefined, exact = false): string {
  switch (metric) {
    case 'bounce_rate': case 'percentage': case 'scroll_depth':
      return percent(value);
    case 'visit_duration': case 'time_on_page':
      return duration(value);
    case 'views_per_visit':
      return value === null || value === undefined ? none : two.format(value);
    default:
      return exact ? exactCount(value) : count(value);
  }
}

/** A mark of an axis: as short as it goes. */
export function axisValue(metric: string, value: Value | undefined): string {
  const counted = typeof value === 'number' && value >= compactFrom;
  return counted && ['visitors', 'visits', 'pageviews', 'events'].includes(metric) ? compact.format(value) : metricValue(metric, value);
}

/** A change in percent with its sign; beyond 1,000 % the digits say nothing more. */
export function change(percentage: number): string {
  const n = Math.round(percentage);
  const sign = n > 0 ? '+' : n < 0 ? '−' : '';
  return `${sign}${t('format.percent', { n: Math.abs(n) >= 10_000 ? compact.format(Math.abs(n)) : whole.format(Math.abs(n)) })}`;
}

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const shortClock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayTime = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

export const clockTime = (ms: number): string => clock.format(ms);
export const shortTime = (ms: number): string => shortClock.format(ms);
export const dateTime = (ms: number): string => dayTime.format(ms);
export const dateOf = (ms: number): string => date.format(ms);

const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

export function ago(ms: number, now: number): string {
  const s = Math.round((ms - now) / 1000);
  if (s > -60) return relative.format(Math.min(0, s), 'second');
  if (s > -3600) return relative.format(Math.round(s / 60), 'minute');
  if (s > -86_400) return relative.format(Math.round(s / 3600), 'hour');
  return relative.format(Math.round(s / 86_400), 'day');
}

const regions = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' });

/** The name of an ISO 3166-1 code; anything else as it stands. */
export function countryName(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  return regions.of(code) ?? code;
}

/** The flag as a pair of regional indicator letters, empty where there is no country. */
export function flag(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return '';
  return String.fromCodePoint(...[...code].map((c) => 0x1f1e6 + c.charCodeAt(0) - 65));
}
