// The plugin
export { writers } from './plugin.ts';
export type { WritersOptions } from './options.ts';

// Writers of others
export { type WriteBatch, type Writer, type WriterRun, writersHooks } from './writer.ts';

// For other writers
export { encodePng, type Pixels } from './tensorboard/png.ts';
