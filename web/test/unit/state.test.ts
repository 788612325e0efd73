import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, filterText, parse, serialize, toggle, toQuery, valueText, type Filter } from '../../src/lib/filters';
import { read, write, type State } from '../../src/lib/state';

const usual: State = { period: undefined, compare: 'previous_period', filters: [], metric: 'visitors', interval: undefined, tabs: {} };

test('the address holds the whole state', () => {
  const states: Partial<State>[] = [
    {},
    { period: { preset: '7d' } },
    { period: { preset: 'custom', from: '2026-01-01', to: '2026-01-31' }, compare: 'off' },
    { filters: [{ operator: 'is', dimension: 'event:page', values: ['/a, b & c', '100%', 'ä?=#+'] }, { operator: 'contains_not', dimension: 'visit:source', values: ['x'] }] },
    { metric: 'bounce_rate', interval: 'week', tabs: { sources: 'campaigns', tag: 'utm_term' }, compare: 'year_over_year' },
  ];
  for (const change of states) {
    const state = { ...usual, ...change };
    assert.deepEqual(read(write(state)), state, write(state));
  }
  assert.equal(write(usual), '');
  assert.equal(write({ ...usual, filters: [{ operator: 'is', dimension: 'event:page', values: ['/pricing'] }] }), '?f=is,event:page,/pricing');
});

test('whatever is in an address, the state is one of ours', () => {
  for (const search of ['?period=1%3B', '?from=2026-02-30&to=2026-03-01', '?from=2026-03-02&to=2026-03-01', '?f=drop,visit:source,a', '?f=is,nope,a', '?f=is,visit:source', '?f=is,visit:source,%25zz', '?metric=<script>', '?interval=year', '?compare=x', '?f='])
    assert.deepEqual(read(search), usual, search);
});

test('filters', () => {
  const google: Filter = { operator: 'is', dimension: 'visit:source', values: ['Google'] };
  assert.deepEqual(toQuery([google]), [['is', 'visit:source', ['Google']]]);
  assert.deepEqual(toggle([], 'visit:source', 'Google'), [google]);
  assert.deepEqual(toggle([google], 'visit:source', 'Google'), []);
  assert.deepEqual(toggle([google], 'visit:source', 'Bing'), [{ ...google, values: ['Bing'] }]);
  assert.deepEqual(add([google], { ...google, values: ['Bing', 'Google'] }), [{ ...google, values: ['Google', 'Bing'] }]);
  assert.deepEqual(parse(serialize({ ...google, values: ['a,b', '%2C'] })), { ...google, values: ['a,b', '%2C'] });
});

test('values in words', () => {
  assert.equal(valueText('visit:country', 'DE'), 'Germany');
  assert.equal(valueText('visit:country', '(not set)'), '(not set)');
  assert.equal(valueText('visit:region', 'DE-BE'), 'BE, Germany');
  assert.equal(valueText('visit:device', 'mobile'), 'Mobile');
  assert.equal(valueText('event:page', '<b>'), '<b>');
  assert.equal(filterText({ operator: 'is', dimension: 'visit:country', values: ['DE', 'US'] }), 'Country is Germany or United States');
});
