export { epochs } from './plugin.ts';
export { type Epoch, epochHooks } from './epoch-hooks.ts';
