export { detectionTta } from './plugin.ts';
export type { DetectionTtaOptions } from './options.ts';
