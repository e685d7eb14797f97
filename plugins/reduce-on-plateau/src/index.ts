export { reduceOnPlateau } from './plugin.ts';
export type { ReduceOnPlateauOptions } from './options.ts';
