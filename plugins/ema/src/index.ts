export { ema, VERSION } from './plugin.ts';
export type { EmaOptions } from './options.ts';
export { emaRef, type Ema } from './ema-service.ts';
