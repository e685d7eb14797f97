export { callback } from './plugin.ts';
export type { CallbackOptions, CallbackTools } from './options.ts';
