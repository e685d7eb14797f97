import { requireSupportedNode } from './lib/node-version.mjs';
import { CLI, prepare } from './lib/prepare.mjs';
import { ROOT } from './lib/processes.mjs';
import { pathToFileURL } from 'node:url';

// npm start [-- options of `hookline train`]: prepares a fresh clone and trains a model.
requireSupportedNode();
process.chdir(ROOT);
prepare();
// It is the copy that the command uses too, with the backend that it selects.
const { tf } = await import('@hookline/tfjs');
// Use the exit event, because the command ends the process itself.
process.on('exit', (code) => {
  // Only native TensorFlow exports models, and a network that was trained on WebAssembly is smaller than the one that is built there.
  if (code !== 0 || tf.getBackend() !== 'tensorflow') return;
  console.error('To see it in your browser, with pictures of your own or the camera:');
  console.error('  npx hookline export examples/scenes/trainer.ts --format graph-model && npm run demo');
});
// Train in this process, so that Ctrl-C reaches the training exactly once.
process.argv = [process.execPath, CLI, 'train', 'examples/scenes/trainer.ts', ...process.argv.slice(2)];
await import(pathToFileURL(CLI).href);
