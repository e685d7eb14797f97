import { createRequire } from 'node:module';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { layersModel } from '../model/layers-model.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { trainBoth, trainKind, type Trial } from './capture-fixture.test.support.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const here = createRequire(import.meta.url);
/** tfjs as a module gets it that imports tfjs after Hookline; the test runner itself imports tfjs first. */
const core = createRequire(here.resolve('@tensorflow/tfjs'))('@tensorflow/tfjs-core') as typeof tf;

const DRAWS: [string, (prediction: tf.Tensor2D) => tf.Tensor][] = [
  ['randomNormal', () => core.randomNormal([4, 1], 1, 0.5)],
  ['randomNormal as integers', () => core.randomNormal([4, 1], 3, 2, 'int32').cast('float32')],
  ['randomStandardNormal', () => core.randomStandardNormal([4, 1])],
  ['randomUniform', () => core.randomUniform([4, 1], -1, 2)],
  ['randomUniform as integers', () => core.randomUniform([4, 1], 0, 9, 'int32').cast('float32')],
  ['randomUniformInt', () => core.randomUniformInt([4, 1], 0, 9).cast('float32')],
  ['truncatedNormal', () => core.truncatedNormal([4, 1], 1, 0.5)],
  ['randomGamma', () => core.randomGamma([4, 1], 2, 3)],
  ['dropout', (prediction) => core.dropout(prediction, 0.5)],
  [
    'multinomial',
    () =>
      core
        .multinomial(tf.tensor2d([[0.1, 0.2, 0.7]]), 4)
        .reshape([4, 1])
        .cast('float32'),
  ],
  ['multinomial of a vector', () => core.multinomial([0.5, 0.5], 4, undefined, true).reshape([4, 1]).cast('float32')],
];

describe('random numbers in a step', () => {
  it.each(DRAWS)(
    'depend on seed and iteration, and are the same eagerly, captured and resumed: %s',
    async (_, draw) => {
      const make = (): Trial => ({
        losses: (prediction) => ({
          drawn: draw(prediction).square().mean(),
          main: prediction.square().mean(),
        }),
      });
      const whole = await trainBoth(make, { steps: 8 });
      const first = (numbers: readonly number[]): number => new Set(numbers.slice(0, 8)).size;
      expect(first(whole.numbers)).toBe(8);
      // The draws of an iteration do not depend on earlier ones.
      const drawn = (): Trial => ({
        losses: (prediction) => draw(prediction.mul(0).add(1)).mean().add(prediction.mul(0).sum()) as tf.Scalar,
      });
      const from0 = await trainKind('captured', drawn, { steps: 6 });
      const from3 = await trainKind('captured', drawn, { start: 3, steps: 3 });
      expect(from3.numbers.slice(0, 3)).toEqual(from0.numbers.slice(3, 6));
    },
  );

  it('have the distribution that tfjs gives them', () => {
    const moments = (draw: () => tf.Tensor): number[] =>
      tf.tidy(() => {
        const { mean, variance } = tf.moments(draw());
        return [mean.dataSync()[0] as number, variance.dataSync()[0] as number];
      });
    const cases: (() => tf.Tensor)[] = [
      () => core.randomNormal([20_000], 3, 2),
      () => core.randomUniform([20_000], -1, 5),
      () => core.truncatedNormal([20_000], 1, 2),
      () => core.randomGamma([20_000], 2, 3),
      () => core.multinomial([0.2, 1, 0.5], 20_000).cast('float32'),
    ];
    for (const draw of cases) {
      const outside = moments(draw);
      const inside = new RunnerScope().run(0, () => moments(draw));
      inside.forEach((value, i) => {
        const wanted = outside[i] as number;
        expect(Math.abs(value - wanted)).toBeLessThan(0.05 * Math.max(1, Math.abs(wanted)));
      });
      expect(inside).not.toEqual(outside);
    }
  });

  it('of the host are refused at once, even for a choice that is nearly always the same', async () => {
    const make = (): Trial => ({
      losses: (prediction) =>
        prediction
          .mul(Math.random() < 1e-9 ? 2 : 1)
          .square()
          .mean(),
    });
    await expect(trainKind('captured', make)).rejects.toThrow(/HKL_CAPTURE_HOST_VALUE.*Math\.random/s);
  });
});

describe('the step scope in a model', () => {
  it('gives random tensors and reports metrics, eagerly and captured', async () => {
    const make = (): Trial => {
      const w = tf.variable(tf.tensor2d([0.4, -0.3, 0.2], [3, 1]));
      return {
        model: functionModel<{ x: tf.Tensor2D }>({
          variables: { w },
          losses: ({ x }, _, scope) => {
            const prediction = x.matMul(w as tf.Tensor2D);
            scope?.metric('positive', prediction.greater(0).cast('float32').mean());
            const noise = scope?.random('noise').normal([4, 1]) ?? tf.zeros([4, 1]);
            return prediction.add(noise).square().mean();
          },
        }),
      };
    };
    const captured = await trainBoth(make);
    const eager = await trainKind('eager', make);
    expect(captured.metrics).toEqual(eager.metrics);
    expect(captured.metrics.map(({ positive }) => positive)).toContain(0.5);
  });

  it('reports the accuracy of a tf.layers model', async () => {
    const make = (): Trial => {
      const net = tf.sequential({
        layers: [
          tf.layers.dense({ units: 2, inputShape: [3], kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }) }),
        ],
      });
      return {
        model: layersModel<{ x: tf.Tensor2D; y: tf.Tensor2D }, tf.Tensor2D>(net, {
          loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(y, logits),
          metrics: { accuracy: (logits, { y }) => tf.metrics.categoricalAccuracy(y, logits).mean() },
        }),
        batch: (iteration) => ({
          x: { data: Float32Array.from({ length: 12 }, (_, k) => Math.sin(iteration * 31 + k * 7)), shape: [4, 3] },
          y: { data: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1), shape: [4, 2] },
        }),
      };
    };
    const captured = await trainBoth(make);
    expect(captured.metrics).toEqual((await trainKind('eager', make)).metrics);
    for (const { accuracy } of captured.metrics) expect([0, 0.25, 0.5, 0.75, 1]).toContain(accuracy);
  });
});
