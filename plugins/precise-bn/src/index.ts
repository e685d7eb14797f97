export { preciseBn } from './plugin.ts';
export type { PreciseBnOptions } from './options.ts';
export { PopulationStatistics } from './population-statistics.ts';
export { updateBnStats, type BatchNormModel, type ForwardPass } from './update-bn-stats.ts';
