import nodeCrypto from 'node:crypto';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { inEvalMode } from '../model/in-eval-mode.ts';
import { layersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { CapturedPredictor, type CapturedPredictorOptions } from './captured-predictor.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const layers = (...list: tf.layers.Layer[]): TrainableModel => {
  const model = layersModel(tf.sequential({ layers: list }), { loss: (out) => (out as tf.Tensor).mean() });
  model.training = false;
  return model;
};
const convnet = () =>
  layers(
    tf.layers.conv2d({ inputShape: [8, 8, 2], filters: 4, kernelSize: 3, useBias: true }),
    tf.layers.batchNormalization(),
    tf.layers.reLU(),
    tf.layers.dropout({ rate: 0.5 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 3, activation: 'softmax' }),
  );
const gru = () => layers(tf.layers.gru({ units: 5, inputShape: [6, 3] }), tf.layers.dense({ units: 2 }));
const numbers = (shape: number[], phase = 0): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.3 + phase)),
    shape,
  );
const read = (outputs: unknown): number[] => {
  const values = [...(outputs as tf.Tensor).dataSync()];
  (outputs as tf.Tensor).dispose();
  return values;
};
const predictor = (model: TrainableModel, options: Partial<CapturedPredictorOptions> = {}): CapturedPredictor =>
  new CapturedPredictor({ model, capture: 'required', ...options });

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const wanted = expected[i] as number;
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)));
  });
}

describe('CapturedPredictor', () => {
  it.each([
    ['a convnet with batch norm and dropout', convnet, [8, 8, 2]],
    ['a GRU', gru, [6, 3]],
  ])('predicts the same as %s does eagerly, for every batch size', (_, make, shape) => {
    const model = make();
    const captured = predictor(model);
    for (const [size, phase] of [
      [4, 0],
      [4, 1],
      [3, 2],
      [4, 3],
      [3, 4],
    ] as const) {
      const x = numbers([size, ...shape], phase);
      expectClose(read(captured.predict(x)), read(model.predict?.(x)));
      x.dispose();
    }
    expect(captured.status).toEqual({ isCaptured: true, reason: undefined, graphs: 2 });
    captured.close();
  });

  it('gives the same bits as the eager ops where no pass and no fusion rearranges them', () => {
    const model = gru();
    const captured = predictor(model, { optimize: false });
    for (const phase of [0, 1, 2]) {
      const x = numbers([4, 6, 3], phase);
      expect(read(captured.predict(x))).toEqual(read(model.predict?.(x)));
    }
    captured.close();
  });

  it('uses the current values of the variables, whoever wrote them', () => {
    const w = tf.variable(tf.scalar(2));
    const model = functionModel({ variables: { w }, losses: () => w.asScalar(), predict: (x: tf.Tensor) => x.mul(w) });
    model.training = false;
    const captured = predictor(model);
    const x = tf.tensor1d([1, 2]);
    expect(read(captured.predict(x))).toEqual([2, 4]);
    w.assign(tf.scalar(3));
    expect(read(captured.predict(x))).toEqual([3, 6]);
    const held = w.clone();
    w.assign(tf.scalar(5));
    expect(read(captured.predict(x))).toEqual([5, 10]);
    w.assign(held as tf.Scalar);
    held.dispose();
    expect(read(captured.predict(x))).toEqual([3, 6]);
    expect([...w.dataSync()]).toEqual([3]);
    captured.close();
    expect([...w.dataSync()]).toEqual([3]);
  });

  it('accepts and returns nested tensors with numbers between them', () => {
    const w = tf.variable(tf.scalar(2));
    const model = functionModel({
      variables: { w },
      losses: () => w.asScalar(),
      predict: ({ parts: [a, b], times }: { parts: tf.Tensor[]; times: number }) => ({
        sum: (a as tf.Tensor).add(b as tf.Tensor),
        all: [(a as tf.Tensor).mul(times).mul(w), { same: a, name: 'x' }],
      }),
    });
    model.training = false;
    const captured = predictor(model);
    const parts = [tf.scalar(1), tf.scalar(10)];
    for (const times of [3, 4, 3]) {
      const found = captured.predict({ parts, times }) as {
        sum: tf.Tensor;
        all: [tf.Tensor, { same: tf.Tensor; name: string }];
      };
      expect(found.all[1].name).toBe('x');
      const values = [found.sum, found.all[0], found.all[1].same].map((each) => read(each)[0]);
      expect(values).toEqual([11, times * 2, 1]);
    }
    expect(captured.status.graphs).toBe(2);
    expect(parts.map((each) => each.dataSync()[0])).toEqual([1, 10]);
    captured.close();
  });

  it('keeps memory constant, and frees everything when closed', () => {
    const model = convnet();
    const captured = predictor(model);
    const x = [numbers([4, 8, 8, 2]), numbers([1, 8, 8, 2])];
    const binding = (
      tf.backend() as unknown as { binding: { getNumOfTensors(): number; getNumOfSavedModels(): number } }
    ).binding;
    const before = [tf.memory().numTensors, binding.getNumOfSavedModels()];
    const run = () => x.forEach((each) => read(captured.predict(each)));
    for (let i = 0; i < 20; i++) run();
    const warm = [tf.memory().numTensors, binding.getNumOfTensors(), binding.getNumOfSavedModels()];
    for (let i = 0; i < 80; i++) run();
    expect([tf.memory().numTensors, binding.getNumOfTensors(), binding.getNumOfSavedModels()]).toEqual(warm);
    captured.close();
    captured.close();
    expect([tf.memory().numTensors, binding.getNumOfSavedModels()]).toEqual(before);
    run();
    captured.close();
    expect([tf.memory().numTensors, binding.getNumOfSavedModels()]).toEqual(before);
  });

  it('runs the model itself in train mode, and where gradients are computed', () => {
    const model = convnet();
    const captured = predictor(model);
    const x = numbers([2, 8, 8, 2]);
    const slope = tf.grad((of: tf.Tensor) => (captured.predict(of) as tf.Tensor).square().sum())(x);
    const wanted = tf.grad((of: tf.Tensor) => (model.predict?.(of) as tf.Tensor).square().sum())(x);
    expect(read(slope)).toEqual(read(wanted));
    model.training = true;
    tf.dispose(captured.predict(x) as tf.Tensor);
    expect(captured.status.graphs).toBe(0);
    captured.close();
  });

  it.each<[string, (x: tf.Tensor, w: tf.Variable) => unknown, string]>([
    ['reads a value', (x) => x.mul(x.dataSync()[0] as number), 'HKL_CAPTURE_READ'],
    ['draws random numbers', (x) => x.add(tf.tensor1d([Math.random()])), 'HKL_CAPTURE_HOST_VALUE'],
    ['changes a variable', (x, w) => (w.assign(w.add(1)), x.mul(w)), 'HKL_CAPTURE_EFFECT'],
    ['returns values', (x) => Float32Array.of(x.size), 'HKL_CAPTURE_READ'],
  ])('runs eagerly in auto, once per call, and says why, a predict that %s', (_, predict, code) => {
    const w = tf.variable(tf.scalar(2));
    const model = functionModel({ variables: { w }, losses: () => w.asScalar(), predict: (x: never) => predict(x, w) });
    model.training = false;
    const lines: string[] = [];
    const captured = predictor(model, { capture: 'auto', log: (line) => void lines.push(line) });
    const x = tf.tensor1d([3, 4]);
    const outputs = [1, 2, 3].map(() => captured.predict(x));
    expect(outputs).toHaveLength(3);
    expect(w.dataSync()[0]).toBe(code === 'HKL_CAPTURE_EFFECT' ? 5 : 2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^prediction: eager, since it cannot be captured: /);
    expect(lines[0]).toContain(`[${code}] model "model": `);
    expect(() => predictor(model).predict(x)).toThrow(code);
    tf.dispose(outputs as tf.Tensor[]);
  });

  it('detects a host number that changes', () => {
    let factor = 2;
    const w = tf.variable(tf.scalar(1));
    const model = functionModel({
      variables: { w },
      losses: () => w.asScalar(),
      predict: (x: tf.Tensor) => x.mul(w).mul(factor),
    });
    model.training = false;
    const captured = predictor(model, { capture: 'auto' });
    const x = tf.tensor1d([3]);
    expect(read(captured.predict(x))).toEqual([6]);
    factor = 5;
    expect(read(captured.predict(x))).toEqual([15]);
    expect(captured.status.isCaptured).toBe(false);
  });

  it('detects times and random numbers of the host before a graph uses them', () => {
    const uses: (() => number)[] = [
      () => 1 + Math.floor(Date.now() / 60_000) * 1e-9,
      () => 1 + Math.floor(performance.now() / 60_000) * 1e-3,
      () => Math.random(),
      // Jest does not update named imports of Node's modules, so this call goes through the module object.
      () => 1 + nodeCrypto.randomInt(2),
      () => 1 + (crypto.getRandomValues(new Uint8Array(1))[0] as number),
    ];
    const x = tf.tensor1d([3]);
    const before = { Date, now: performance.now, randomInt: nodeCrypto.randomInt, draw: crypto.getRandomValues };
    for (const use of uses) {
      const model = functionModel({
        variables: { w: tf.variable(tf.scalar(1)) },
        losses: () => tf.scalar(0),
        predict: (inputs: tf.Tensor) => inputs.mul(use()),
      });
      model.training = false;
      expect(() => predictor(model).predict(x)).toThrow('HKL_CAPTURE_HOST_VALUE');
      const captured = predictor(model, { capture: 'auto' });
      read(captured.predict(x));
      expect(captured.status.isCaptured).toBe(false);
      tf.disposeVariables();
    }
    expect({ Date, now: performance.now, randomInt: nodeCrypto.randomInt, draw: crypto.getRandomValues }).toEqual(
      before,
    );
    x.dispose();
  });

  it('keeps a bounded number of graphs, and delays capture where captureAfter asks for it', () => {
    const model = functionModel({
      variables: { w: tf.variable(tf.scalar(3)) },
      losses: () => tf.scalar(0),
      predict: (x: tf.Tensor) => x.mul(2),
    });
    model.training = false;
    const lines: string[] = [];
    const captured = predictor(model, { capture: 'auto', graphs: 2, log: (line) => void lines.push(line) });
    for (const size of [1, 2, 3, 4, 3, 1]) expect(read(captured.predict(tf.ones([size])))).toEqual(Array(size).fill(2));
    expect(captured.status.graphs).toBe(2);
    expect(lines).toHaveLength(1);
    captured.close();
    captured.captureAfter(2);
    const graphs = [1, 1, 1].map((size) => {
      read(captured.predict(tf.ones([size])));
      return captured.status.graphs;
    });
    expect(graphs).toEqual([0, 0, 1]);
    captured.close();
  });

  it('serves a model in eval mode through inEvalMode', () => {
    const model = convnet();
    model.training = true;
    const captured = predictor(model);
    const x = numbers([2, 8, 8, 2]);
    expectClose(read(inEvalMode(model, () => captured.predict(x))), read(inEvalMode(model, () => model.predict?.(x))));
    expect(captured.status.graphs).toBe(1);
    captured.close();
  });
});
