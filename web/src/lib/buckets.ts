// The buckets of the graph: which intervals a range may have, how results fill the labels, which bucket is still running.
import type { Row, Value } from './api';
import { addDays, addMonths, daysIn, type Day } from './dates';
import { locale } from './messages';

export const intervals = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof intervals)[number];

/** The intervals that make sense for a range of days, the default first in `best`. */
export function intervalsFor(days: number): { allowed: Interval[]; best: Interval } {
  if (days <= 1) return { allowed: ['minute', 'hour'], best: 'hour' };
  if (days <= 7) return { allowed: ['hour', 'day'], best: 'day' };
  if (days <= 31) return { allowed: ['hour', 'day', 'week'], best: 'day' };
  if (days <= 190) return { allowed: ['day', 'week', 'month'], best: days <= 95 ? 'day' : 'week' };
  return { allowed: ['day', 'week', 'month'], best: days <= 400 ? 'month' : 'month' };
}

export interface Series { labels: string[]; values: Value[]; partial: number; last: number }

const full = (label: string): string => (label.length === 10 ? `${label} 00:00:00` : label);

/** The label right after the last instant of a bucket. Weeks start on Monday, so a first week may be cut short. */
export function bucketEnd(label: string, interval: Interval): string {
  const day: Day = label.slice(0, 10);
  switch (interval) {
    case 'month': return full(addMonths(`${day.slice(0, 7)}-01`, 1));
    case 'week': {
      const weekday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
      return full(addDays(day, 7 - weekday));
    }
    case 'day': return full(addDays(day, 1));
    default: {
      const ms = Date.parse(`${full(label).replace(' ', 'T')}Z`) + (interval === 'hour' ? 3_600_000 : 60_000);
      return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
    }
  }
}

/**
 * Puts results, which are in time order and lack empty buckets, on the labels of the range. Buckets after `now` (a wall clock text) have
 * no value; `partial` is the index of the bucket that is still running, -1 without one; `last` that of the last bucket with a value.
 */
export function fill(labels: string[] | undefined, results: Row[], interval: Interval, now: string, empty: Value = 0): Series {
  const all = labels ?? results.map((r) => r.dimensions[0] ?? '');
  const series: Series = { labels: all, values: [], partial: -1, last: -1 };
  let next = 0;
  for (const label of all) {
    const row = results[next];
    const hit = row !== undefined && full(row.dimensions[0] ?? '') === full(label);
    if (hit) next++;
    const future = full(label) > now;
    series.values.push(future ? null : hit ? (row.metrics[0] ?? null) : empty);
    if (!future) series.last = series.values.length - 1;
  }
  const last = all[series.last];
  if (last !== undefined && bucketEnd(last, interval) > now) series.partial = series.last;
  return series;
}

const formats: Record<Interval, [Intl.DateTimeFormatOptions, Intl.DateTimeFormatOptions]> = {
  minute: [{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }],
  hour: [{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }],
  day: [{ day: 'numeric', month: 'short' }, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }],
  week: [{ day: 'numeric', month: 'short' }, { day: 'numeric', month: 'short', year: 'numeric' }],
  month: [{ month: 'short', year: '2-digit' }, { month: 'long', year: 'numeric' }],
};

/** A label in words; `long` for the tooltip and the table, short for the axis. */
export function labelText(label: string, interval: Interval, long: boolean, multiDay = false): string {
  const at = new Date(`${full(label).replace(' ', 'T')}Z`);
  const options = { ...formats[interval][long ? 1 : 0], timeZone: 'UTC' };
  if (!long && multiDay && interval === 'hour') Object.assign(options, { day: 'numeric', month: 'short' });
  return new Intl.DateTimeFormat(locale, options).format(at);
}

/** Days between the two offset date-times of a reply, at least one. */
export function daysBetween(range: [string, string]): number {
  return Math.max(1, daysIn(range[0].slice(0, 10), range[1].slice(0, 10)));
}
