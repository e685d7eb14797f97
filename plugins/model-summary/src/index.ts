export { modelSummary } from './plugin.ts';
export type { ModelSummaryOptions } from './options.ts';
