export { profiler } from './plugin.ts';
export type { ProfilerOptions } from './options.ts';
