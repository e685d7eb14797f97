import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { bitsOf, resume, rig, type Rig } from '../step/step-fixture.test.support.ts';
import { RunnerScope } from './runner-scope.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

const seeded = (seed: number): Parameters<typeof tf.layers.dense>[0]['kernelInitializer'] =>
  tf.initializers.glorotUniform({ seed });

/** A net with every kind of random layer, with the same weights each time. */
function noisyNet(): TrainableModel {
  const layers = tf.sequential({
    layers: [
      tf.layers.dense({ units: 8, inputShape: [3], kernelInitializer: seeded(1)! }),
      tf.layers.gaussianNoise({ stddev: 0.1 }),
      tf.layers.dropout({ rate: 0.4 }),
      tf.layers.dropout({ rate: 0.2, seed: 7 }),
      tf.layers.gaussianDropout({ rate: 0.1 }),
      tf.layers.alphaDropout({ rate: 0.1 }),
      tf.layers.reshape({ targetShape: [2, 4] }),
      tf.layers.gru({
        units: 3,
        dropout: 0.2,
        recurrentDropout: 0.2,
        kernelInitializer: seeded(2)!,
        recurrentInitializer: seeded(4)!,
      }),
      tf.layers.dense({ units: 1, kernelInitializer: seeded(3)! }),
    ],
  });
  return layersModel(layers, { loss: (out, { y }) => tf.losses.meanSquaredError(y, out) });
}

const run = (seed = 1): Rig => rig({ model: noisyNet(), seed });

it('replays all random layers of tf.layers from the seed of the run', async () => {
  const losses = await run().steps(0, 6);
  expect(await run().steps(0, 6)).toEqual(losses);
  expect(await run(2).steps(0, 6)).not.toEqual(losses);
});

it('continues with the same masks after a resume', async () => {
  const whole = run();
  const losses = await whole.steps(0, 8);
  const first = run();
  await first.steps(0, 4);
  const second = run();
  await resume(first, second);
  expect(await second.steps(4, 8)).toEqual(losses.slice(4));
  expect(await bitsOf(second)).toEqual(await bitsOf(whole));
});

it('drops about the given share, scales the rest, and draws a new mask at every step, with or without a seed', () => {
  const scope = new RunnerScope();
  for (const config of [{ rate: 0.25 }, { rate: 0.25, seed: 3 }]) {
    const layer = tf.layers.dropout(config);
    const masks = [0, 1].map((iteration) =>
      scope.run(iteration, () =>
        tf.tidy(() => [...(layer.apply(tf.ones([100, 100]), { training: true }) as tf.Tensor).dataSync()]),
      ),
    );
    const dropped = masks[0]!.filter((value) => value === 0).length / masks[0]!.length;
    expect(dropped).toBeGreaterThan(0.23);
    expect(dropped).toBeLessThan(0.27);
    for (const value of new Set(masks[0])) if (value !== 0) expect(value).toBeCloseTo(1 / 0.75, 6);
    expect(masks[1]).not.toEqual(masks[0]);
  }
});

it.each([1, -0.5])('refuses a dropout rate of %d in a step, as TensorFlow.js does', (rate) => {
  expect(() => new RunnerScope().run(0, () => tf.dropout(tf.ones([4]), rate))).toThrow(
    'rate must be a float in the range',
  );
});

it('drops whole channels with spatial dropout', () => {
  const layer = tf.layers.spatialDropout1d({ rate: 0.5 });
  const rows = new RunnerScope().run(0, () =>
    tf.tidy(() => {
      const [batch = []] = (layer.apply(tf.ones([1, 5, 40]), { training: true }) as tf.Tensor3D).arraySync();
      return batch;
    }),
  );
  for (const row of rows) expect(row).toEqual(rows[0]);
  expect(new Set(rows[0])).toEqual(new Set([0, 2]));
});

it("replays tfjs's random operations that a loss calls itself", async () => {
  const model = (): TrainableModel => {
    const w = tf.variable(tf.ones([4, 4]));
    return functionModel({
      variables: { w },
      losses: () =>
        tf
          .dropout(w, 0.5)
          .mul(tf.randomUniform([4, 4]))
          .add(tf.truncatedNormal([4, 4]))
          .mean()
          .asScalar(),
    });
  };
  const losses = await rig({ model: model() }).steps(0, 4);
  expect(await rig({ model: model() }).steps(0, 4)).toEqual(losses);
  expect(new Set(losses).size).toBe(4);
});

it('gives gradients through the mask', () => {
  const scope = new RunnerScope();
  scope.run(0, () =>
    tf.tidy(() => {
      const layer = tf.layers.dropout({ rate: 0.5 });
      const gradient = tf.grad((x) => (layer.apply(x, { training: true }) as tf.Tensor).sum())(tf.ones([200]));
      expect(new Set(gradient.dataSync())).toEqual(new Set([0, 2]));
    }),
  );
});

it('restores everything, even after an error', () => {
  const { random } = Math;
  const layer = tf.layers.dropout({ rate: 0.5 });
  const outside = (): number[] =>
    tf.tidy(() => [...(layer.apply(tf.ones([50]), { training: true }) as tf.Tensor).dataSync()]);
  const scope = new RunnerScope();
  expect(() =>
    scope.run(0, () => {
      throw new Error('on purpose');
    }),
  ).toThrow('on purpose');
  expect(Math.random).toBe(random);
  expect(outside()).not.toEqual(outside());
});
