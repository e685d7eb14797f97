// Node reads the text of a CommonJS module that an ES module imports for the names of its exports; of TensorFlow.js that
// takes longer than running it. It does not see through this call.
const load = require;
module.exports = load('@tensorflow/tfjs');
