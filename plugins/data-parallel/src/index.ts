export { dataParallel, VERSION } from './plugin.ts';
export type { DataParallelOptions } from './options.ts';
