import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerBase } from '@hookline/core';
import { RecordingLogger } from '@hookline/testing';
import { exportModel, inEvalMode, modelVariables, selectDevice, sgd, tf, tfjsRuntime } from '@hookline/tfjs';
import { classifier, type Classifier } from './classifier.ts';
import { mobilenetV3Small } from '../backbones/mobilenet-v3.ts';
import { resnet } from '../backbones/resnet.ts';

beforeAll(() => selectDevice('auto'));

const make = () =>
  classifier({ backbone: mobilenetV3Small({ frozenStages: 2 }), classNames: ['red', 'blue'], labelSmoothing: 0.1 });

/** Pictures that are mostly red, and pictures that are mostly blue. */
function* batches() {
  for (let batch = 0; ; batch++) {
    const images = Uint8Array.from({ length: 4 * 32 * 32 * 3 }, (_, place) => {
      const isRed = Math.floor(place / (32 * 32 * 3)) % 2 === 0;
      const noise = (place * 7919 + batch * 104_729) % 90;
      return noise + (place % 3 === (isRed ? 0 : 2) ? 150 : 0);
    });
    yield {
      images: { data: images, shape: [4, 32, 32, 3], dtype: 'float32' as const },
      classes: { data: Int32Array.of(0, 1, 0, 1), shape: [4, 1], dtype: 'int32' as const },
    };
  }
}

async function trained(capture: 'off' | 'required', maxIterations: number) {
  let model!: Classifier;
  const runtime = tfjsRuntime({
    model: () => (model = make()),
    optimizer: (made) => sgd(made, { learningRate: 0.01 }),
    data: batches,
    capture,
  });
  const trainer = new TrainerBase({ maxIterations, seed: 2, logger: new RecordingLogger(), ...runtime });
  await trainer.train();
  const history = (name: string) =>
    trainer.storage
      .history(name)
      .values()
      .map(({ value }) => value);
  return { trainer, model, losses: history('total_loss'), accuracies: history('train_accuracy') };
}

it('takes the same captured steps as eager ones, stores the accuracy, and does not change frozen stages', async () => {
  // Only native TensorFlow runs graphs.
  if (tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
  const [eager, captured] = [await trained('off', 3), await trained('required', 3)];
  captured.losses.forEach((loss, place) => expect(loss).toBeCloseTo(eager.losses[place] as number, 4));
  expect(captured.accuracies).toHaveLength(3);
  const values = (model: Classifier) =>
    [...modelVariables(model)].map(([name, each]) => [name, each.dataSync() as Float32Array] as const);
  const theirs = new Map(values(captured.model));
  for (const [name, value] of values(eager.model)) {
    const other = theirs.get(name) ?? [];
    const apart = value.reduce((most, each, place) => Math.max(most, Math.abs(each - (other[place] as number))), 0);
    expect([name, apart < 1e-3]).toEqual([name, true]);
  }
  const [first] = [...eager.model.state().keys()];
  expect(first).toBe('backbone/features/0/0/kernel');
  await eager.trainer.dispose();
  await captured.trainer.dispose();
});

describe('the model', () => {
  const folder = temporaryFolder();

  it('is exported with its preprocessing, as a graph model that equals predict', async () => {
    const model = make();
    // exportModel compares what it wrote with predict.
    await exportModel(model, {
      format: 'graph-model',
      output: join(folder, 'graph'),
      inputs: { name: 'images', shape: [null, 32, 32, 3], range: [0, 255] },
    });
    const facts = await readFile(join(folder, 'graph', 'export.json'), 'utf8');
    expect(JSON.parse(facts)).toMatchObject({ outputs: [{ shape: [null, 2] }] });
  });

  it('computes logits in its current mode', () => {
    const model = make();
    const images = tf.fill([1, 32, 32, 3], 100);
    const [first, second] = [1, 2].map(() => inEvalMode(model, () => model.predict(images)).dataSync());
    expect(first).toEqual(second);
    expect(model.predict(images).dataSync()).not.toEqual(first);
  });
});

describe('what is refused', () => {
  const backbone = resnet({ depth: 18 });
  it.each([
    [{ classNames: ['one'] }, 'there are 1 classes'],
    [{ labelSmoothing: 1 }, 'labelSmoothing is 1'],
    [{ classWeights: [1] }, 'there are 1 classWeights for 2 classes'],
    [{ classWeights: [1, -1] }, 'classWeights must be finite and not negative, not 1, -1'],
    [{ labelSmooting: 0.1 }, 'HKL_OPTION_UNKNOWN'],
  ])('options %p', (options, message) => {
    expect(() => classifier({ backbone, classNames: ['a', 'b'], ...options })).toThrow(message);
  });

  it('batches without pictures or labels, or with several labels for a picture', () => {
    const model = make();
    const images = tf.zeros([2, 32, 32, 3]);
    expect(() => model.losses({ pictures: images })).toThrow('no inputs found in the batch (pictures)');
    expect(() => model.losses({ images })).toThrow('no labels found in the batch (images)');
    const labels = tf.zeros([2, 2], 'int32');
    expect(() => model.losses({ images, labels })).toThrow('the labels have the shape [2, 2]');
  });
});
