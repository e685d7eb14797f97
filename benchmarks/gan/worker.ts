import { createInterface } from 'node:readline';
import { selectDevice, stepRunnerRef, tf } from 'hookline';
import ganTrainer, { clean, DIGITS, loss, makeDiscriminator, makeGenerator } from '../../examples/gan/trainer.ts';

// One runner in a separate process, because Hookline replaces kernels process-wide, and plain tfjs must not benefit from that.
// Reads lines {net, steps} and answers each with {ms}: milliseconds per step. A step updates both parts.

type Run = (steps: number) => Promise<void>;

/** Batch size. The content of the images does not affect the time. */
const BATCH = 64;
const LATENT = 32;
const WIDTH = 24;

/** The same step in TensorFlow.js alone. It reads each loss, as Hookline does for its check and for the metrics. */
function plain(): Run {
  const [generator, discriminator] = [makeGenerator(LATENT, WIDTH), makeDiscriminator(WIDTH)];
  const image = tf.randomUniform([BATCH, 28, 28, 1], 0, 255, 'int32');
  const label = tf.range(0, BATCH, 1, 'int32').mod(10).toInt() as tf.Tensor1D;
  const training = { training: true };
  const oneHot = () => tf.oneHot(label, DIGITS).toFloat();
  const fake = () => generator.apply(tf.concat([tf.randomNormal([BATCH, LATENT]), oneHot()], 1), training) as tf.Tensor;
  const judge = (images: tf.Tensor) => (discriminator.apply(images, training) as tf.Tensor).mul(oneHot()).sum(1);
  const parts = [
    {
      net: discriminator,
      optimizer: tf.train.adam(0.001, 0.5),
      of: () => loss(judge(clean(image)), 0.9).add<tf.Scalar>(loss(judge(fake()), 0)),
    },
    { net: generator, optimizer: tf.train.adam(0.0007, 0.5), of: () => loss(judge(fake()), 1) },
  ];
  return async (steps) => {
    for (let step = 0; step < steps; step++) {
      for (const { net, optimizer, of } of parts) {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a layer's weight is a variable
        const variables = net.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const { value, grads } = tf.variableGrads(of, variables);
        optimizer.applyGradients(grads as Parameters<typeof optimizer.applyGradients>[0]);
        await value.data();
        tf.dispose([value, grads]);
      }
    }
  };
}

/** The trainer of examples/gan. */
async function ours(capture: string): Promise<Run> {
  const set = [`capture=${capture}`, `solver.batchSize=${BATCH}`, 'data.count=640', 'seed=1'];
  const trainer = ganTrainer.create({ set });
  await trainer.prepare();
  const runner = await trainer.service(stepRunnerRef);
  let iteration = 0;
  return async (steps) => {
    for (let step = 0; step < steps; step++)
      await runner.run({ iteration: iteration++, startIteration: 0, maxIterations: Infinity });
  };
}

const kind = process.argv[2] ?? '';
await selectDevice('auto');
const run = kind === 'tfjs' ? plain() : await ours(kind === 'captured' ? 'required' : 'off');
for await (const line of createInterface({ input: process.stdin })) {
  const { steps } = JSON.parse(line) as { steps: number };
  const begin = performance.now();
  await run(steps);
  process.stdout.write(`${JSON.stringify({ ms: (performance.now() - begin) / steps })}\n`);
}
process.exit();
