export { exportBest, VERSION } from './plugin.ts';
export type { ExportBestOptions } from './options.ts';
