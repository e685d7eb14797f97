export { iterationTimer } from './plugin.ts';
export type { IterationTimerOptions } from './options.ts';
export { Timer } from './timer.ts';
