export { earlyStopping } from './plugin.ts';
export type { EarlyStoppingOptions } from './options.ts';
