export { ema } from './plugin.ts';
export type { EmaOptions } from './options.ts';
export { emaRef, type Ema } from './ema-service.ts';
export { stochasticWeightAveraging, swaRef } from './swa.ts';
export type { StochasticWeightAveragingOptions } from './swa-options.ts';
