const Module = require('node:module');

// Node reads the text of a CommonJS module that an ES module imports for the names of its exports; of TensorFlow.js that
// takes longer than running it. It does not see through this call.
const load = require;
module.exports = process.versions.pnp === undefined ? load('@tensorflow/tfjs') : loadUnderPnp();

/** @tensorflow/tfjs needs `long` and does not say so; Yarn's Plug'n'Play gives a package only what it says. */
function loadUnderPnp() {
  const long = Module.createRequire(require.resolve('@tensorflow/tfjs-core/package.json')).resolve('long');
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (request, ...rest) => (request === 'long' ? long : resolve.call(Module, request, ...rest));
  try {
    return load('@tensorflow/tfjs');
  } finally {
    Module._resolveFilename = resolve;
  }
}
