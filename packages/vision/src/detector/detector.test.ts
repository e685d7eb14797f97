import { TrainerBase } from '@hookline/core';
import { RecordingLogger, squareBatches } from '@hookline/testing';
import { adam, inEvalMode, selectDevice, tf, tfjsRuntime, toDevice } from '@hookline/tfjs';
import { postprocess } from '../postprocess/postprocess.ts';
import { residualBackbone } from '../backbones/residual-backbone.ts';
import type { HeadFactory } from './dense-head.ts';
import { detector, type Detector } from './detector.ts';
import { fcosHead } from './fcos-head.ts';
import { retinaHead } from './retina-head.ts';

beforeAll(() => selectDevice('auto'));

const backbone = () => residualBackbone({ widths: [8, 16], blocks: [1, 1], channels: 16 });
const make = (head: HeadFactory, classNames = ['dark', 'light']): Detector =>
  detector({ classNames, backbone: backbone(), head });

const heads: [string, () => HeadFactory][] = [
  ['fcos', () => fcosHead({ convs: 1 })],
  ['retina', () => retinaHead({ convs: 1, sizes: [8, 14] })],
  ['retina, GIoU', () => retinaHead({ convs: 1, sizes: [8, 14], boxLoss: 'giou' })],
];

/** The same squares, all of one class. */
function* squareBatchesOfOneClass() {
  for (const batch of squareBatches()) {
    yield { ...batch, classes: { ...batch.classes, data: new Int32Array(batch.classes.data.length) } };
  }
}

interface TrainingOptions {
  readonly capture: 'off' | 'required';
  readonly maxIterations: number;
  readonly classNames?: string[];
}

function training(head: () => HeadFactory, options: TrainingOptions) {
  const made: Detector[] = [];
  const runtime = tfjsRuntime({
    model: () => {
      const model = make(head(), options.classNames);
      made.push(model);
      return model;
    },
    optimizer: (model) => adam(model, { learningRate: 0.01 }),
    data: options.classNames?.length === 1 ? squareBatchesOfOneClass : squareBatches,
    repeat: true,
    capture: options.capture,
  });
  const losses: number[] = [];
  const trainer = new TrainerBase({
    maxIterations: options.maxIterations,
    seed: 3,
    logger: new RecordingLogger(),
    services: runtime.services,
    plugins: runtime.plugins,
  });
  return { trainer, made, losses };
}

describe('detector', () => {
  it.each(heads)('takes the same captured steps as eager ones: %s', async (_, head) => {
    const run = async (capture: 'off' | 'required') => {
      const { trainer, made } = training(head, { capture, maxIterations: 5 });
      await trainer.train();
      const [model] = made as [Detector];
      const values = [...model.trainable(), ...model.state()].flatMap(([, variable]) => [...variable.dataSync()]);
      return { values, names: [...model.trainable().keys(), ...model.state().keys()] };
    };
    const [eager, captured] = [await run('off'), await run('required')];
    expect(captured.names).toEqual(eager.names);
    const apart = Math.max(...eager.values.map((value, at) => Math.abs(value - (captured.values[at] as number))));
    expect(apart).toBeLessThan(1e-4);
  });

  it('fcosHead: the initial softmax loss is that of a uniform guess times its weight, and absent for one class', () => {
    const { batch } = toDevice([...squareBatches()][0]);
    const lossOf = (weight: number, classNames?: string[]) => {
      const model = make(fcosHead({ convs: 1, softmaxWeight: weight }), classNames);
      const losses = model.losses(batch) as Readonly<Record<string, tf.Scalar>>;
      return losses['loss_cls_softmax']?.dataSync()[0];
    };
    expect(lossOf(1)).toBeCloseTo(Math.log(2), 1);
    expect(lossOf(3)).toBeCloseTo(3 * Math.log(2), 0);
    expect(lossOf(0)).toBeUndefined();
    expect(lossOf(1, ['square'])).toBeUndefined();
  });

  it.each(heads.slice(0, 2))('learns to find squares and to tell their kinds: %s', async (_, head) => {
    const { trainer, made } = training(head, { capture: 'required', maxIterations: 400 });
    await trainer.train();
    const [model] = made as [Detector];
    const [batch] = [...squareBatches()] as [ReturnType<typeof squareBatches> extends Generator<infer B> ? B : never];
    const images = tf.tensor4d(batch.images.data, batch.images.shape);
    const outputs = inEvalMode(model, () => model.predict(images));
    const found = await postprocess(outputs, { maxDetections: 1 });
    tf.dispose([images, outputs.boxes, outputs.scores]);
    found.forEach(({ boxes, classes }, image) => {
      expect(classes[0]).toBe(batch.classes.data[image * 2]);
      const truth = batch.boxes.data.subarray(image * 8, image * 8 + 4);
      truth.forEach((side, at) => expect(Math.abs(side - (boxes[at] as number))).toBeLessThan(3));
    });
  });

  it.each(heads)('learns a single class, captured and eagerly: %s', async (_, head) => {
    const run = async (capture: 'off' | 'required') => {
      const { trainer, made } = training(head, { capture, maxIterations: 5, classNames: ['square'] });
      await trainer.train();
      return [...(made[0] as Detector).trainable().values()].flatMap((variable) => [...variable.dataSync()]);
    };
    const [eager, captured] = [await run('off'), await run('required')];
    expect(Math.max(...eager.map((value, at) => Math.abs(value - (captured[at] as number))))).toBeLessThan(1e-4);
    expect(eager).not.toContain(Number.NaN);
  });

  it('pads images of any size, and leaks nothing', () => {
    const model = make(fcosHead());
    const images = tf.zeros([2, 21, 30, 3]) as tf.Tensor4D;
    const before = tf.memory().numTensors;
    const outputs = inEvalMode(model, () => model.predict(images));
    // Stride 4 of 24 x 32 pixels.
    expect(outputs.boxes.shape).toEqual([2, 6 * 8, 4]);
    expect(outputs.scores.shape).toEqual([2, 6 * 8, 2]);
    tf.dispose([outputs.boxes, outputs.scores]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('predicts at several strides, with norms of their own and shared convolutions', () => {
    const model = detector({
      classNames: ['a'],
      backbone: residualBackbone({ widths: [8, 8, 8], channels: 8, strides: [16, 4] }),
    });
    const outputs = tf.tidy(() => inEvalMode(model, () => model.predict(tf.zeros([1, 32, 32, 3]))).boxes.shape);
    expect(outputs).toEqual([1, 64 + 4, 4]);
    expect([...model.trainable().keys()].filter((name) => name.startsWith('head/conv1'))).toEqual([
      'head/conv1/kernel',
      'head/conv1/norm4/gamma',
      'head/conv1/norm4/beta',
      'head/conv1/norm16/gamma',
      'head/conv1/norm16/beta',
    ]);
    expect(model.batchNorms?.().length).toBe([...model.state().keys()].length / 2);
  });

  it('ignores the contents of padding, and accepts images without objects', () => {
    const model = make(fcosHead());
    const loss = (boxes: number[], counts: number[]): number[] =>
      tf.tidy(() => {
        const losses = model.losses({
          images: tf.ones([1, 32, 32, 3]),
          boxes: tf.tensor3d(boxes, [1, 2, 4]),
          classes: tf.tensor2d([0, 1], [1, 2], 'int32'),
          counts: tf.tensor1d(counts),
        }) as Record<string, tf.Scalar>;
        return Object.values(losses).map((each) => each.dataSync()[0] as number);
      });
    model.training = false;
    const box = [4, 4, 20, 20];
    expect(loss([...box, 0, 0, 0, 0], [1])).toEqual(loss([...box, 1, 2, 30, 31], [1]));
    const [classLoss, boxLoss] = loss([...box, ...box], [0]) as [number, number];
    expect(classLoss).toBeGreaterThan(0);
    expect(boxLoss).toBe(0);
  });

  it.each([
    [() => detector({ classNames: [] }), 'HKL_DETECT_CLASSES'],
    [() => residualBackbone({ strides: [6] }), 'it has no stride 6; there are 4, 8, 16'],
    [() => residualBackbone({ blocks: [1] }), 'widths has 3 numbers and blocks has 1'],
    [() => make(retinaHead({ sizes: [] })), 'HKL_DETECT_ANCHORS'],
    [() => make(retinaHead({ ratios: [0] })), 'HKL_DETECT_ANCHORS'],
  ])('refuses options that make no sense: %#', (build, message) => expect(build).toThrow(message));
});
