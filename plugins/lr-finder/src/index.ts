export { lrFinder } from './plugin.ts';
export { suggestRate } from './suggest-rate.ts';
export { rangeTest, type RangeTest, type RangeTestParts, type RangePoint } from './range-test.ts';
export { writeRangeTest } from './write-range-test.ts';
export type { LrFinderOptions, RangeTestOptions } from './options.ts';
