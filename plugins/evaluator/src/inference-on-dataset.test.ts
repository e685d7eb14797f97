import { functionModel, selectDevice, tf } from '@hookline/tfjs';
import type { DatasetEvaluator } from '@hookline/core';
import { inferenceOnDataset } from './inference-on-dataset.ts';

beforeAll(() => selectDevice('auto'));

function doubling() {
  const w = tf.variable(tf.scalar(2));
  return functionModel({
    variables: { w },
    losses: () => w.asScalar(),
    predict: (x: never, training) => (training ? tf.zeros([1]) : tf.mul(x, w)),
  });
}

/** Sums what it sees. */
class Sum implements DatasetEvaluator {
  readonly name: string;
  sum = 0;
  constructor(name: string) {
    this.name = name;
  }
  reset(): void {
    this.sum = 0;
  }
  async process(_: unknown, outputs: unknown): Promise<void> {
    for (const value of await (outputs as tf.Tensor).data()) this.sum += value;
  }
  evaluate() {
    return { [this.name]: this.sum };
  }
}

const batches = function* () {
  for (let i = 0; i < 8; i++) yield { x: Float32Array.of(i, 1) };
};

describe('inferenceOnDataset', () => {
  it('shows every batch to every evaluator, in eval mode, and leaves nothing behind', async () => {
    const model = doubling();
    const before = tf.memory().numTensors;
    const results = await inferenceOnDataset(model, batches, [new Sum('a'), new Sum('b')]);
    expect(results).toEqual({ a: 2 * (28 + 8), b: 2 * (28 + 8) });
    expect(tf.memory().numTensors).toBe(before);
    expect(model.training).toBe(true);
  });

  it('starts afresh each time, and leaves the tensors of an array alone', async () => {
    const model = doubling();
    model.training = false;
    const data = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
    const evaluator = new Sum('sum');
    expect(await inferenceOnDataset(model, data, evaluator)).toEqual({ sum: 12 });
    expect(await inferenceOnDataset(model, data, evaluator)).toEqual({ sum: 12 });
    expect(model.training).toBe(false);
  });

  it('calls back around it all', async () => {
    const log: string[] = [];
    const note = (what: string) => () => void log.push(what);
    await inferenceOnDataset(doubling(), [tf.scalar(1), tf.scalar(2)], new Sum('s'), {
      onStart: note('start'),
      beforeInference: note('before'),
      afterInference: note('after'),
      onEnd: note('end'),
      inputs: (batch) => {
        log.push('inputs');
        return batch;
      },
    });
    expect(log).toEqual(['start', 'before', 'inputs', 'after', 'before', 'inputs', 'after', 'end']);
  });

  it('logs its times at the end', async () => {
    const lines: string[] = [];
    await inferenceOnDataset(
      doubling(),
      [...Array(8)].map(() => ({ x: Float32Array.of(1) })),
      new Sum('s'),
      {
        logger: { info: (line) => void lines.push(line) },
      },
    );
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^Total inference time: \d+:\d\d:\d\d \(\d+\.\d{6} s \/ iter per device, on 1 device\)$/);
    expect(lines[1]).toContain('pure compute time');
  });

  it.each(['process', 'predict', 'data'])('puts the mode back and frees everything when %s fails', async (where) => {
    const model = doubling();
    const evaluator = new Sum('s');
    const fail = () => {
      throw new Error('boom');
    };
    if (where === 'process') evaluator.process = fail;
    if (where === 'predict') model.predict = () => tf.zeros([1]).mul(2).add(tf.tensor(fail()));
    const data = function* () {
      yield { x: Float32Array.of(1) };
      if (where === 'data') fail();
    };
    const before = tf.memory().numTensors;
    await expect(inferenceOnDataset(model, data, evaluator)).rejects.toThrow('boom');
    expect(model.training).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a model that cannot predict, data without batches, and results of one name', async () => {
    const { predict: _, ...mute } = doubling();
    await expect(inferenceOnDataset(mute, batches, [])).rejects.toThrow('HKL_EVAL_NO_PREDICT');
    const ended = batches();
    await inferenceOnDataset(doubling(), ended, []);
    await expect(inferenceOnDataset(doubling(), ended, [])).rejects.toThrow('HKL_EVAL_EMPTY');
    await expect(inferenceOnDataset(doubling(), batches, [new Sum('x'), new Sum('x')])).rejects.toThrow(
      'two evaluators give a result called "x"',
    );
    await expect(inferenceOnDataset(doubling(), [{ image: 1 }], [])).rejects.toThrow(
      'no inputs found in the batch (image)',
    );
  });

  it('gives nothing where evaluators have nothing', async () => {
    const quiet: DatasetEvaluator = { reset() {}, process() {}, evaluate: () => undefined };
    expect(await inferenceOnDataset(doubling(), batches, quiet)).toEqual({});
    expect(await inferenceOnDataset(doubling(), batches, [quiet])).toEqual({});
  });
});
