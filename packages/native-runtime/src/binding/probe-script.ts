/**
 * What the verifying child runs: a program text, because it must start alike from TypeScript sources and from a build.
 * Arguments: the package's folder, the addon ('' for the package's own). Prints one line of JSON.
 */
export const PROBE_SCRIPT = `
const [folder, binding] = process.argv.slice(1);
const path = require('node:path');
const { createRequire } = require('node:module');
const util = require('node:util');
util.isNullOrUndefined = (value) => value === null || value === undefined;
util.isArray = Array.isArray;
const fromPackage = createRequire(path.join(folder, 'package.json'));
if (binding !== '') fromPackage('@mapbox/node-pre-gyp/lib/pre-binding.js').find = () => binding;
const tf = fromPackage(folder);

async function main() {
  const images = tf.tidy(() => tf.randomUniform([32, 12, 12, 1], 0, 1, 'float32', 7));
  const labels = tf.tidy(() => images.slice([0, 0, 0, 0], [32, 6, 12, 1]).mean([1, 2, 3]).greater(0.5).toFloat());
  const make = (shape, seed) => tf.variable(tf.randomNormal(shape, 0, 0.3, 'float32', seed));
  const weights = { conv: make([3, 3, 1, 8], 1), dense: make([6 * 6 * 8, 1], 2), bias: tf.variable(tf.zeros([1])) };
  const forward = () => {
    const features = tf.maxPool(tf.relu(tf.conv2d(images, weights.conv, 1, 'same')), 2, 2, 'same');
    const logits = tf.add(tf.matMul(features.reshape([32, -1]), weights.dense), weights.bias).reshape([-1]);
    return tf.losses.sigmoidCrossEntropy(labels, logits);
  };
  const optimizer = tf.train.adam(0.01);
  const losses = [];
  let elapsed = 0;
  for (let step = 0; step < 12; step++) {
    const start = performance.now();
    const loss = optimizer.minimize(forward, true);
    losses.push((await loss.data())[0]);
    loss.dispose();
    if (step >= 2) elapsed += performance.now() - start;
  }
  const backend = tf.backend();
  console.log('PROBE ' + JSON.stringify({
    tensorflow: backend.binding.TF_Version, usesGpu: backend.isUsingGpuDevice,
    lossBefore: losses[0], lossAfter: losses.at(-1), stepMs: elapsed / 10,
  }));
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
`;
