export { anomalyGuard } from './plugin.ts';
export type { AnomalyGuardOptions } from './options.ts';
export type { AnomalyReport } from './anomaly-report.ts';
