import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** @type {typeof import('@jest/test-sequencer')} */
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

/** Matches tests that start processes, capture steps or have a long time limit. The slowest tests are among these. */
const SLOW = /child_process|capture|\d{3}_000\b/;

/**
 * Starts slow test files first, so that all workers finish at about the same time. Jest knows the duration of files that it
 * has run before; in a fresh clone it sorts by file size, which is a poor estimate.
 */
export default class SlowestFirst extends Sequencer {
  /**
   * @override
   * @param {Parameters<InstanceType<typeof Sequencer>['sort']>[0]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const slow = new Set(sorted.filter(({ path }) => SLOW.test(readFileSync(path, 'utf8'))));
    return [...slow, ...sorted.filter((test) => !slow.has(test))];
  }
}
