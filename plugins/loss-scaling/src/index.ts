export { lossScaling } from './plugin.ts';
export type { LossScalingOptions } from './options.ts';
