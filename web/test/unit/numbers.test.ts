import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketEnd, fill, intervalsFor } from '../../src/lib/buckets';
import { csv } from '../../src/lib/csv';
import { cleanDomain } from '../../src/lib/domain';
import { ago, change, count, duration, flag, metricValue, percent } from '../../src/lib/format';
import { backoff, slide } from '../../src/lib/live.svelte';
import { strength } from '../../src/lib/password';

test('numbers as people read them', () => {
  const f = (got: string, want: string) => assert.equal(got, want);
  f(count(0), '0'); f(count(9999), '9,999'); f(count(12_345), '12.3K'); f(count(16_984), '17.0K'); f(count(3_400_000), '3.40M'); f(count(null), '–');
  f(percent(33.333), '33%'); f(percent(4.25), '4.3%'); f(percent(4), '4.0%'); f(percent(0.04), '0%'); f(percent(9.97), '10%'); f(percent(0), '0%'); f(percent(null), '–');
  f(duration(45.4), '45s'); f(duration(185), '3m 05s'); f(duration(3720), '1h 02m'); f(duration(59.9), '1m 00s');
  f(change(12.4), '+12%'); f(change(-3.6), '−4%'); f(change(0.2), '0%');
  f(metricValue('views_per_visit', 2.345), '2.35'); f(metricValue('visitors', 12_345, true), '12,345');
  f(flag('DE'), '🇩🇪'); f(flag('(not set)'), '');
  f(ago(1000, 61_000), '1 minute ago');
});

test('results fill the labels; the future is empty, the running bucket marked', () => {
  const labels = ['2026-11-22 00:00:00', '2026-11-22 01:00:00', '2026-11-22 02:00:00', '2026-11-22 03:00:00'];
  const rows = [{ dimensions: ['2026-11-22 01:00:00'], metrics: [5] }];
  assert.deepEqual(fill(labels, rows, 'hour', '2026-11-22 02:10:00'), { labels, values: [0, 5, 0, null], partial: 2, last: 2 });
  assert.deepEqual(fill(labels, rows, 'hour', '9999').partial, -1);
  assert.deepEqual(fill(undefined, [{ dimensions: ['2026-11-01'], metrics: [null] }], 'day', '2026-11-01 10:00:00'), { labels: ['2026-11-01'], values: [null], partial: 0, last: 0 });
  assert.deepEqual(fill([], [], 'day', '2026'), { labels: [], values: [], partial: -1, last: -1 });
});

test('a clock set back shows an hour twice', () => {
  const labels = ['2026-10-25 02:00:00', '2026-10-25 02:00:00', '2026-10-25 03:00:00'];
  const rows = labels.map((l, i) => ({ dimensions: [l], metrics: [i + 1] }));
  assert.deepEqual(fill(labels, rows, 'hour', '9999').values, [1, 2, 3]);
});

test('ends of buckets', () => {
  const f = (label: string, interval: Parameters<typeof bucketEnd>[1], want: string) => assert.equal(bucketEnd(label, interval), want);
  f('2026-11-22', 'day', '2026-11-23 00:00:00');
  f('2026-11-18', 'week', '2026-11-23 00:00:00');
  f('2026-12-05', 'month', '2027-01-01 00:00:00');
  f('2026-11-22 23:00:00', 'hour', '2026-11-23 00:00:00');
  f('2026-11-22 23:59:00', 'minute', '2026-11-23 00:00:00');
});

test('every range has an interval', () => {
  for (const days of [1, 2, 7, 28, 31, 91, 182, 365, 2000]) {
    const { allowed, best } = intervalsFor(days);
    assert.ok(allowed.includes(best), String(days));
  }
});

test('the live minutes are always thirty and end now', () => {
  const minute = 60_000;
  const now = 100 * minute + 5000;
  const got = slide([{ start: 99 * minute, active_users: 3, pageviews: 4, events: 5 }, { start: 2 * minute, active_users: 9, pageviews: 9, events: 9 }], now);
  assert.equal(got.length, 30);
  assert.equal(got.at(-1)?.start, 100 * minute);
  assert.equal(got.at(-2)?.active_users, 3);
  assert.equal(got.reduce((n, m) => n + m.active_users, 0), 3);
});

test('waits grow to half a minute and spread', () => {
  assert.equal(backoff(0, 0), 500);
  assert.equal(backoff(0, 1), 1000);
  assert.equal(backoff(20, 1), 30_000);
  assert.equal(backoff(20, 0), 15_000);
});

test('CSV keeps text as text', () => {
  assert.equal(csv([['Page', 'Visitors'], ['/a,"b"', 3], ['=cmd()', null]]), 'Page,Visitors\r\n"/a,""b""",3\r\n\'=cmd(),\r\n');
});

test('domains as people paste them', () => {
  const f = (text: string, want: string) => assert.equal(cleanDomain(text), want, text);
  f('example.com', 'example.com'); f(' https://Example.com/path?x=1 ', 'example.com'); f('localhost:8080', 'localhost:8080'); f('münchen.example', 'münchen.example');
  f('', ''); f('two words', ''); f('<script>', ''); f('-x', '');
});

test('password hints', () => {
  const f = (password: string, level: number) => assert.equal(strength(password, 'ada@example.org').level, level, password);
  f('', 0); f('short', 0); f('aaaaaaaaaaaa', 1); f('1234567890', 1); f('password12', 1); f('lovelacetime', 2); f('plum Anchor 42', 3); f('four unrelated words here', 3);
});
