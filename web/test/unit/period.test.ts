import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addMonths, daysIn, isDay, today, wallClock } from '../../src/lib/dates';
import { comparison, dateRange, daysOf, includesNow, step, type Period } from '../../src/lib/period';

// 23 November 2026, 00:30 in Berlin, still the 22nd in UTC.
const now = Date.parse('2026-11-22T23:30:00Z');
const berlin = 'Europe/Berlin';

test('a day is the day of the site', () => {
  assert.equal(today(berlin, now), '2026-11-23');
  assert.equal(today('UTC', now), '2026-11-22');
  assert.equal(wallClock(now, 'Asia/Kolkata'), '2026-11-23 05:00:00');
});

test('days are checked, months keep their length', () => {
  for (const [text, ok] of [['2026-02-28', true], ['2026-02-30', false], ['2026-2-3', false], ['', false], ['2026-13-01', false]] as const) assert.equal(isDay(text), ok, text);
  assert.equal(addMonths('2026-03-31', -1), '2026-02-28');
  assert.equal(addMonths('2026-01-15', -12), '2025-01-15');
  assert.equal(daysIn('2026-03-28', '2026-03-30'), 3);
});

test('presets as days', () => {
  const f = (preset: string, want: [string, string] | undefined) => assert.deepEqual(daysOf({ preset } as Period, berlin, now), want, preset);
  f('day', ['2026-11-23', '2026-11-23']);
  f('yesterday', ['2026-11-22', '2026-11-22']);
  f('7d', ['2026-11-16', '2026-11-22']);
  f('28d', ['2026-10-26', '2026-11-22']);
  f('month', ['2026-11-01', '2026-11-23']);
  f('lastmonth', ['2026-10-01', '2026-10-31']);
  f('year', ['2026-01-01', '2026-11-23']);
  f('6mo', ['2026-05-01', '2026-10-31']);
  f('12mo', ['2025-11-01', '2026-10-31']);
  f('all', undefined);
  f('24h', undefined);
});

test('the API is asked by its own names where they mean the same', () => {
  assert.equal(dateRange({ preset: '28d' }, berlin, now), '28d');
  assert.equal(dateRange({ preset: 'all' }, berlin, now), 'all');
  assert.deepEqual(dateRange({ preset: 'month' }, berlin, now), ['2026-11-01', '2026-11-23']);
  assert.deepEqual(dateRange({ preset: 'custom', from: '2026-01-02', to: '2026-01-03' }, berlin, now), ['2026-01-02', '2026-01-03']);
});

test('arrows move by the length of the period', () => {
  const f = (period: Period, direction: -1 | 1, want: [string, string] | undefined) => {
    const got = step(period, direction, berlin, now);
    assert.deepEqual(got && got.preset === 'custom' ? [got.from, got.to] : got, want);
  };
  f({ preset: 'day' }, -1, ['2026-11-22', '2026-11-22']);
  f({ preset: 'day' }, 1, undefined);
  f({ preset: '7d' }, -1, ['2026-11-09', '2026-11-15']);
  f({ preset: '7d' }, 1, ['2026-11-23', '2026-11-23']);
  f({ preset: 'month' }, -1, ['2026-10-01', '2026-10-31']);
  f({ preset: 'lastmonth' }, -1, ['2026-09-01', '2026-09-30']);
  f({ preset: 'lastmonth' }, 1, ['2026-11-01', '2026-11-23']);
  f({ preset: 'year' }, -1, ['2025-01-01', '2025-12-31']);
  f({ preset: 'custom', from: '2026-02-01', to: '2026-02-28' }, 1, ['2026-03-01', '2026-03-31']);
  f({ preset: 'all' }, -1, undefined);
});

test('what a period is compared with', () => {
  const f = (period: Period, mode: 'previous_period' | 'year_over_year', figures: string[], line = figures) =>
    assert.deepEqual(comparison(period, mode, berlin, now), { figures, line });
  f({ preset: '7d' }, 'previous_period', ['2026-11-09', '2026-11-15']);
  f({ preset: '7d' }, 'year_over_year', ['2025-11-16', '2025-11-22']);
  f({ preset: 'lastmonth' }, 'previous_period', ['2026-09-01', '2026-09-30']);
  f({ preset: 'month' }, 'previous_period', ['2026-10-01', '2026-10-23']);
  f({ preset: 'year' }, 'previous_period', ['2025-01-01', '2025-11-23']);
  f({ preset: 'day' }, 'previous_period', ['2026-11-22T00:00:00', '2026-11-22T00:30:00'], ['2026-11-22', '2026-11-22']);
  f({ preset: '24h' }, 'previous_period', ['2026-11-21T00:31:00', '2026-11-22T00:31:00']);
  assert.equal(comparison({ preset: 'all' }, 'previous_period', berlin, now), undefined);
});

test('whether an event of now belongs to the period', () => {
  for (const [preset, want] of [['day', true], ['24h', true], ['all', true], ['month', true], ['7d', false], ['yesterday', false]] as const)
    assert.equal(includesNow({ preset }, berlin, now), want, preset);
});
