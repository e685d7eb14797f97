import { definePlugin, evaluationRef, type PluginInput, TrainerBase } from '@hookline/core';
import { ema } from '@hookline/plugin-ema';
import { preciseBn } from '@hookline/plugin-precise-bn';
import { RecordingLogger, saveAt } from '@hookline/testing';
import { layersModel, modelRef, selectDevice, sgd, tf, tfjsRuntime, type TrainableModel } from '@hookline/tfjs';
import { isHere, MODES } from './all-plugins.test.support.ts';

beforeAll(() => selectDevice('auto'));

type Batch = { x: tf.Tensor; y: tf.Tensor };
const [BATCHES, ROWS] = [4, 6];

function* batches() {
  for (let batch = 0; batch < BATCHES; batch++) {
    const x = Float32Array.from({ length: ROWS * 3 }, (_, k) => 1 + 2 * Math.sin((batch * ROWS * 3 + k) * 1.7));
    const y = Float32Array.from({ length: ROWS }, (_, k) => 5 * Math.cos(batch * ROWS + k));
    yield { x: { data: x, shape: [ROWS, 3] }, y: { data: y, shape: [ROWS, 1] } };
  }
}

const makeModel = (trainable = true): TrainableModel => {
  const kernelInitializer = tf.initializers.glorotNormal({ seed: 3 });
  const layers = [
    tf.layers.dense({ units: 2, inputShape: [3], name: 'dense', kernelInitializer }),
    tf.layers.batchNormalization({ name: 'norm', momentum: 0.9, trainable }),
    tf.layers.dense({ units: 1, kernelInitializer }),
  ];
  const loss = (out: tf.Tensor, { y }: Batch): tf.Scalar => tf.losses.meanSquaredError(y, out).asScalar();
  return layersModel<Batch>(tf.sequential({ layers }), { loss });
};

/** The statistics in the model, and those of all data under the model's current weights. */
function statistics(model: TrainableModel) {
  const all = new Map([...model.trainable(), ...model.state()]);
  const get = (name: string) => all.get(name) as tf.Variable;
  const own = [...get('norm/moving_mean').dataSync(), ...get('norm/moving_variance').dataSync()];
  const exact = tf.tidy(() => {
    const x = tf.concat([...batches()].map(({ x: { data, shape } }) => tf.tensor(data, shape)));
    const { mean, variance } = tf.moments(x.matMul(get('dense/kernel')).add(get('dense/bias')), [0]);
    return [...mean.dataSync(), ...variance.dataSync()];
  });
  return { own, exact, kernel: [...get('dense/kernel').dataSync()] };
}

/** Reads the statistics after the last step and during the evaluation. */
const look = (seen: Record<string, ReturnType<typeof statistics>>) =>
  definePlugin({
    name: 'look',
    version: '1.0.0',
    provides: ['evaluation'],
    after: ['statistics'],
    requires: { model: modelRef, evaluation: evaluationRef },
    setup({ hooks, model, evaluation }) {
      hooks.evaluate.tap(() => void (seen['evaluated'] = statistics(model.value)));
      hooks.afterStep.tap(async (step) => {
        seen['trained'] = statistics(model.value);
        await evaluation.run(step);
      });
    },
  })();

const close = (found: readonly number[], expected: readonly number[]): boolean =>
  found.every((value, i) => Math.abs(value - (expected[i] ?? NaN)) < 1e-3);

function make(
  plugins: readonly PluginInput[],
  capture: 'off' | 'required',
  output: string,
  maxIterations = 8,
  trainable = true,
) {
  const seen: Record<string, ReturnType<typeof statistics>> = {};
  const runtime = tfjsRuntime({
    model: () => makeModel(trainable),
    optimizer: (model) => sgd(model, { learningRate: 0.05 }),
    data: batches,
    repeat: true,
    capture,
  });
  const trainer = new TrainerBase({
    seed: 1,
    maxIterations,
    output,
    logger: new RecordingLogger(),
    services: runtime.services,
    plugins: [...runtime.plugins, ...plugins, look(seen)],
  });
  return { trainer, seen };
}

describe.each(MODES)('statistics of batch norm, capture %s,', (capture) => {
  const precise = () => preciseBn({ loader: batches, batches: BATCHES, period: 8 });
  const averaging = { decay: 0.9, warmup: false };
  let output: string;
  beforeEach(() => {
    output = temporaryFolder();
  });

  it.each([
    ['listed first', () => [ema(averaging), precise()]],
    ['listed last', () => [precise(), ema(averaging)]],
  ])(
    'are those of the averaged weights in evaluation, and otherwise those of the training, with ema %s',
    async (_, list) => {
      if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
      const { trainer, seen } = make(list(), capture, output);
      await trainer.train();
      const { trained, evaluated } = seen;
      expect(close(trained!.kernel, evaluated!.kernel)).toBe(false);
      expect(close(trained!.own, trained!.exact)).toBe(true);
      expect(close(evaluated!.own, evaluated!.exact)).toBe(true);
      expect(close(trained!.own, evaluated!.own)).toBe(false);
      await trainer.dispose();
    },
  );

  it('are those of the averaged weights where there is one set of statistics', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const { trainer, seen } = make([ema({ ...averaging, averageState: false }), precise()], capture, output);
    await trainer.train();
    expect(close(seen['evaluated']!.own, seen['evaluated']!.exact)).toBe(true);
    await trainer.dispose();
  });

  it('stand still where the layer is frozen, in the model and in the averages', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const { trainer, seen } = make([ema(averaging), precise()], capture, output, 8, false);
    await trainer.train();
    for (const { own } of [seen['trained']!, seen['evaluated']!]) expect(own).toEqual([0, 0, 1, 1]);
    await trainer.dispose();
  });

  it('are saved: a resumed run evaluates with the same ones, to the bit', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const whole = make([ema(averaging), precise(), saveAt(7)], capture, output, 16);
    await whole.trainer.train();
    const resumed = make([ema(averaging), precise(), saveAt(-1)], capture, output, 16);
    await resumed.trainer.resumeOrLoad();
    expect(resumed.trainer.iteration).toBe(8);
    await resumed.trainer.evaluate();
    const { evaluated: loaded } = resumed.seen;
    expect(close(loaded!.own, loaded!.exact)).toBe(true);
    await resumed.trainer.train();
    expect(resumed.seen).toEqual(whole.seen);
    await whole.trainer.dispose();
    await resumed.trainer.dispose();
  });
});
