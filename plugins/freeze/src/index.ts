export { freeze } from './plugin.ts';
export type { FreezeOptions, FreezeRule } from './options.ts';
