// The period of a report: presets, the range they ask the API for, and the steps of the arrows.
import type { DateRange } from './api';
import { addDays, addMonths, daysIn, firstOfMonth, lastOfMonth, today, type Day } from './dates';
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
    case 'yesterday': case 'lastmonth': return daysOf(period, timezone, now)!;
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
