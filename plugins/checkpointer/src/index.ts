export { bestCheckpointer } from './best-checkpointer.ts';
export { checkpointer } from './checkpointer.ts';
export type { BestCheckpointerOptions, CheckpointerOptions } from './options.ts';
