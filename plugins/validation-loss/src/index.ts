export { validationLoss } from './plugin.ts';
export type { ValidationLossOptions } from './options.ts';
