import { requireSupportedNode } from './lib/node-version.mjs';
import { CLI, prepare } from './lib/prepare.mjs';
import { ROOT } from './lib/processes.mjs';
import { pathToFileURL } from 'node:url';

// npm start [-- options of `hookline train`]: from a fresh clone to a trained model.
requireSupportedNode();
process.chdir(ROOT);
prepare();
// In this process, so that Ctrl-C reaches the training once.
process.argv = [process.execPath, CLI, 'train', 'examples/scenes/trainer.ts', ...process.argv.slice(2)];
await import(pathToFileURL(CLI).href);
