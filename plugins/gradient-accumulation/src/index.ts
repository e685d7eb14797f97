export { gradientAccumulation } from './plugin.ts';
export type { GradientAccumulationOptions } from './options.ts';
