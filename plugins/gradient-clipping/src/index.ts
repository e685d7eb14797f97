export { gradientClipping } from './plugin.ts';
export type { GradientClippingOptions } from './options.ts';
export { clipByGlobalNorm, clipByNorm, clipByValue } from './clip-gradients.ts';
export { globalNorm, pNorm } from './p-norm.ts';
