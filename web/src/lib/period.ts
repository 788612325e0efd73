// The period of a report: presets, the range they ask the API for, and the steps of the arrows.
import type { DateRange } from './api';
import { addDays, addMonths, daysIn, firstOfMonth, lastOfMonth, today, wallClock, type Day } from './dates';
import { locale, t } from './messages';

export const presets = ['day', 'yesterday', '24h', '7d', '28d', '30d', '91d', 'month', 'lastmonth', 'year', '6mo', '12mo', 'all'] as const;
export type Preset = (typeof presets)[number];
export type Period = { preset: Preset } | { preset: 'custom'; from: Day; to: Day };

/** The shortcut of each preset. The letters are those people know from Plausible. */
export const presetKeys: Record<Preset, string> = {
  day: 'D', yesterday: 'E', '24h': 'H', '7d': 'W', '28d': 'F', '30d': 'T', '91d': 'N', month: 'M', lastmonth: 'P', year: 'Y', '6mo': 'S', '12mo': 'L', all: 'A',
};

export const isPreset = (text: string | null): text is Preset => presets.includes(text as Preset);

/** The first and last day of a period as this browser's clock sees it; undefined where days do not bound it. */
export function daysOf(period: Period, timezone: string, now: number): [Day, Day] | undefined {
  if (period.preset === 'custom') return [period.from, period.to];
  const day = today(timezone, now);
  const back = (n: number): [Day, Day] => [addDays(day, -n), addDays(day, -1)];
  const thisMonth = firstOfMonth(day);
  switch (period.preset) {
    case 'day': return [day, day];
    case 'yesterday': return back(1).slice(0, 1).flatMap((d) => [d, d]) as [Day, Day];
    case '7d': return back(7);
    case '28d': return back(28);
    case '30d': return back(30);
    case '91d': return back(91);
    case 'month': return [thisMonth, day];
    case 'lastmonth': return [addMonths(thisMonth, -1), lastOfMonth(addMonths(thisMonth, -1))];
    case 'year': return [`${day.slice(0, 4)}-01-01`, day];
    case '6mo': return [addMonths(thisMonth, -6), addDays(thisMonth, -1)];
    case '12mo': return [addMonths(thisMonth, -12), addDays(thisMonth, -1)];
    default: return undefined;
  }
}

/** What the API is asked for: its own names where it has them, since it knows the time best. */
export function dateRange(period: Period, timezone: string, now: number): DateRange {
  switch (period.preset) {
    case 'custom': return [period.from, period.to];
    // To date, where the API's name means the whole month or year.
    case 'yesterday': case 'lastmonth': case 'month': case 'year': return daysOf(period, timezone, now)!;
    default: return period.preset;
  }
}

/** The period before (-1) or after (+1); undefined where there is none: before all time, after today. */
export function step(period: Period, direction: -1 | 1, timezone: string, now: number): Period | undefined {
  if (period.preset === 'all') return undefined;
  const day = today(timezone, now);
  const [from, to] = daysOf(period, timezone, now) ?? [addDays(day, -1), day];
  const next = shift(from, to, direction, day);
  if (next[0] > day) return undefined;
  return { preset: 'custom', from: next[0], to: next[1] > day ? day : next[1] };
}

/** Whole months and years move by their own length, everything else by its count of days. */
function shift(from: Day, to: Day, direction: number, day: Day): [Day, Day] {
  const running = to === day;
  if (from.endsWith('-01-01') && (to.endsWith('-12-31') || (running && daysIn(from, to) > 31))) {
    const year = Number(from.slice(0, 4)) + direction;
    return [`${year}-01-01`, `${year}-12-31`];
  }
  if (from.endsWith('-01') && (to === lastOfMonth(to) || (running && from === firstOfMonth(day)))) {
    const months = (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7)) + 1;
    const start = addMonths(from, months * direction);
    return [start, lastOfMonth(addMonths(start, months - 1))];
  }
  const days = daysIn(from, to) * direction;
  return [addDays(from, days), addDays(to, days)];
}

export interface Comparison {
  /** What the figures are compared with: no longer than the period has lasted so far. */
  figures: [string, string];
  /** What the graph draws beside the line: whole days. */
  line: [string, string];
}

/** The time a period is compared with; undefined for all time. */
export function comparison(period: Period, mode: 'previous_period' | 'year_over_year', timezone: string, now: number): Comparison | undefined {
  const back = (day: Day): Day => addMonths(day, -12);
  if (period.preset === 'all') return undefined;
  if (period.preset === '24h') {
    // The API's last 24 hours end with the running minute.
    const end = Math.ceil((now + 1) / 60_000) * 60_000;
    const day = 86_400_000;
    const at = (ms: number) => wallClock(ms, timezone).replace(' ', 'T');
    const pair: [string, string] = mode === 'year_over_year' ? [at(end - 366 * day), at(end - 365 * day)] : [at(end - 2 * day), at(end - day)];
    return { figures: pair, line: pair };
  }
  const [from, to] = daysOf(period, timezone, now)!;
  const day = today(timezone, now);
  const line = mode === 'year_over_year' ? ([back(from), back(to)] as [Day, Day]) : before(from, to, day);
  if (from !== to || to !== day) return { figures: line, line };
  // Of the day before only as much as today has had; to the minute, so that the answers of one minute are one question.
  const clock = wallClock(now, timezone).slice(11, 16);
  return { figures: clock === '00:00' ? line : [`${line[0]}T00:00:00`, `${line[0]}T${clock}:00`], line };
}

/** The days before a range. A month or year to date is put beside the same days of the month or year before. */
function before(from: Day, to: Day, day: Day): [Day, Day] {
  if (to === day && from !== to && from === firstOfMonth(day)) return [addMonths(from, -1), addMonths(to, -1)];
  if (to === day && from === `${day.slice(0, 4)}-01-01` && daysIn(from, to) > 31) return [addMonths(from, -12), addMonths(to, -12)];
  return shift(from, to, -1, day);
}

/** Whether events of this moment fall into the period. */
export function includesNow(period: Period, timezone: string, now: number): boolean {
  const days = daysOf(period, timezone, now);
  return days === undefined || days[1] >= today(timezone, now);
}

/** "1 Nov – 23 Nov 2026", in the reader's words. */
export function rangeText(from: Day, to: Day): string {
  const format = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  const at = (day: Day) => new Date(`${day}T00:00:00Z`);
  if (from === to) return new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(at(from));
  return format.formatRange(at(from), at(to));
}

export function periodText(period: Period): string {
  return period.preset === 'custom' ? rangeText(period.from, period.to) : t(`period.${period.preset}`);
}
