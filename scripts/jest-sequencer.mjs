import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** @type {typeof import('@jest/test-sequencer')} */
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

/** Tests that start processes, capture steps or have been given minutes: the slowest tests are among these. */
const SLOW = /child_process|capture|\d{3}_000\b/;

/**
 * Starts long test files first, so that the workers end at about the same time. Jest knows how long files take where it
 * has run them before; in a fresh clone it goes by their size, which says little.
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
