export { mlflow } from './plugin.ts';
export type { MlflowOptions } from './options.ts';
