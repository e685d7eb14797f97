// The plugin
export { writers } from './plugin.ts';
export type { WritersOptions } from './options.ts';

// Writers of others
export type { WriteBatch, Writer, WriterRun } from './writer.ts';
export { writersHooks } from './write-hooks.ts';

// For other writers
export { encodePng, type Pixels } from './tensorboard/png.ts';
