import { join } from 'node:path';
import { adam, checkpointer, savedParts, selectDevice, tf, TrainerBase, type TrainerOptions } from 'hookline';

/** A GAN on the bare loop. The generator learns to draw points of a ring; the critic learns to tell drawn points from real ones. */
export async function ganTrainer(options: Partial<TrainerOptions> = {}) {
  await selectDevice('auto'); // Call this before the first tensor is made.
  const generator = network(2, 2, 1);
  const critic = network(2, 1, 3);
  const optimizers = {
    generator: adam(generator, { learningRate: 0.002, beta1: 0.5 }),
    critic: adam(critic, { learningRate: 0.004, beta1: 0.5 }),
  };

  const step = async () => {
    const [real, noise] = [ring(64), gaussian(64)];
    const fake = () => generator.apply(noise) as tf.Tensor;
    const score = (points: tf.Tensor) => critic.apply(points) as tf.Tensor;
    const loss = (scores: tf.Tensor, isReal: boolean): tf.Scalar =>
      tf.losses.sigmoidCrossEntropy(tf.fill(scores.shape, Number(isReal)), scores);
    try {
      return {
        // Each call updates only the variables of its own net and resolves to the loss as a number.
        critic: await optimizers.critic.minimize(() => loss(score(real), true).add(loss(score(fake()), false))),
        generator: await optimizers.generator.minimize(() => loss(score(fake()), true)),
      };
    } finally {
      tf.dispose([real, noise]);
    }
  };

  const trainer = new TrainerBase({
    maxIterations: 600,
    seed: 1,
    output: join('runs', 'gan'),
    ...options,
    step,
    plugins: [
      // Without this plugin, checkpoints would contain neither weights nor optimizer state.
      savedParts({
        generator: { model: generator, optimizer: optimizers.generator },
        critic: { model: critic, optimizer: optimizers.critic },
      }),
      checkpointer({ period: 200 }),
      ...(options.plugins ?? []),
    ],
  });

  // Checkpoints contain the trainer's random streams, so a resumed run draws the same numbers as an uninterrupted one.
  const random = trainer.random.stream('gan');
  const gaussian = (count: number): tf.Tensor =>
    tf.tensor2d(
      Float32Array.from({ length: 2 * count }, () => random.normal()),
      [count, 2],
    );
  const ring = (count: number): tf.Tensor => {
    const angles = Float32Array.from({ length: count }, () => 2 * Math.PI * random.float());
    return tf.tidy(() => tf.stack([tf.cos(angles), tf.sin(angles)], 1));
  };
  return { trainer, generator, critic };
}

/** Two dense layers. Their initial weights depend only on the seed. */
function network(inputs: number, outputs: number, seed: number): tf.Sequential {
  const kernelInitializer = (layer: number) => tf.initializers.glorotNormal({ seed: seed + layer });
  return tf.sequential({
    layers: [
      tf.layers.dense({
        inputShape: [inputs],
        units: 32,
        activation: 'tanh',
        kernelInitializer: kernelInitializer(0),
      }),
      tf.layers.dense({ units: outputs, kernelInitializer: kernelInitializer(1) }),
    ],
  });
}
