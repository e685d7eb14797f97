export { gradientAccumulation, VERSION } from './plugin.ts';
export type { GradientAccumulationOptions } from './options.ts';
