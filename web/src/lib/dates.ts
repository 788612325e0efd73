// Calendar dates of a site as "YYYY-MM-DD" text. Arithmetic is done in UTC, where every day has 24 hours.

const dayMillis = 86_400_000;

export type Day = string;

const toUTC = (day: Day): number => Date.parse(`${day}T00:00:00Z`);
const fromUTC = (ms: number): Day => new Date(ms).toISOString().slice(0, 10);

export function isDay(text: string | null): text is Day {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(toUTC(text)) && fromUTC(toUTC(text)) === text;
}

export const addDays = (day: Day, n: number): Day => fromUTC(toUTC(day) + n * dayMillis);

/** Days from a to b, both included. */
export const daysIn = (a: Day, b: Day): number => Math.round((toUTC(b) - toUTC(a)) / dayMillis) + 1;

/** The same day n months on, or the last of that month where it is shorter. */
export function addMonths(day: Day, n: number): Day {
  const [y = 0, m = 1, d = 1] = day.split('-').map(Number);
  const last = new Date(Date.UTC(y, m + n, 0)).getUTCDate();
  return fromUTC(Date.UTC(y, m - 1 + n, Math.min(d, last)));
}

export const firstOfMonth = (day: Day): Day => `${day.slice(0, 7)}-01`;
export const lastOfMonth = (day: Day): Day => addDays(addMonths(firstOfMonth(day), 1), -1);

/** "YYYY-MM-DD HH:MM:SS" of an instant on the wall clock of a zone: the shape of the API's time labels. */
export function wallClock(ms: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  }).formatToParts(ms);
  const get = (type: string) => parts.find((p) => p.type === type)?.value ?? '00';
  return `${get('year')}-${get('month')}-${get('day')} ${get('hour')}:${get('minute')}:${get('second')}`;
}

export const today = (timezone: string, now: number): Day => wallClock(now, timezone).slice(0, 10);
