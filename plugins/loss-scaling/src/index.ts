export { lossScaling, VERSION } from './plugin.ts';
export type { LossScalingOptions } from './options.ts';
