import assert from 'node:assert/strict';

/**
 * Asserts that got equals want, where a text "$name" in want stands for an id: a UUIDv7, the same one wherever that name
 * stands, and another for each other name; "$any" stands for any value.
 */
export function match(got, want, ids = {}, path = '') {
  if (want === '$any') return;
  if (typeof want == 'string' && want.startsWith('$')) return matchId(got, want, ids, path);
  if (typeof want != 'object' || want === null) return assert.equal(got, want, `at ${path}`);
  assert.equal(typeof got, 'object', `at ${path}`);
  assert.deepEqual(Object.keys(got).sort(), Object.keys(want).sort(), `keys at ${path}`);
  for (const key of Object.keys(want)) match(got[key], want[key], ids, `${path}.${key}`);
}

function matchId(got, name, ids, path) {
  assert.match(got, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, `at ${path}`);
  if (!(name in ids)) assert.ok(!Object.values(ids).includes(got), `${name} at ${path} is the id of another event`);
  ids[name] ??= got;
  assert.equal(got, ids[name], `${name} at ${path}`);
}
