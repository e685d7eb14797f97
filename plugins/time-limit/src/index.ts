export { timeLimit } from './plugin.ts';
export type { TimeLimitOptions } from './options.ts';
