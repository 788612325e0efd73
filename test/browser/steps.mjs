// Tests that build on each other: after a failure the rest is skipped instead of failing for the same reason.
import { test } from 'node:test';

export function steps() {
  let failed = '';
  return (name, run) => test(name, async (context) => {
    if (failed) return context.skip(`"${failed}" failed`);
    try {
      await run(context);
    } catch (error) {
      failed = name;
      throw error;
    }
  });
}
