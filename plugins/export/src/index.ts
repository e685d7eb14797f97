export { exportBest } from './plugin.ts';
export type { ExportBestOptions } from './options.ts';
