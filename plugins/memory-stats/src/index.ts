export { memoryStats } from './plugin.ts';
export type { MemoryStatsOptions } from './options.ts';
