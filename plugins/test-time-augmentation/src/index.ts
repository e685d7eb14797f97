export { detectionTta, VERSION } from './plugin.ts';
export type { DetectionTtaOptions } from './options.ts';
