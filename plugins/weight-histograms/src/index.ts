export { weightHistograms } from './plugin.ts';
export type { WeightHistogramsOptions } from './options.ts';
