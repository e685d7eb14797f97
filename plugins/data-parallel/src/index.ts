export { dataParallel } from './plugin.ts';
export type { DataParallelOptions } from './options.ts';
