import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { expectSame, trainBoth, trainKind, type Trial } from './capture-fixture.test.support.ts';
import { asNativeBackend, type NativeBackend } from '../device/native-backend.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

const anchors = [0.5, -1, 2, 0.25, 1, -0.75];

describe('tensors from outside of the step', () => {
  it.each<[string, (outside: tf.Tensor) => tf.Tensor]>([
    ['a reshape', (outside) => outside.reshape([3, 2])],
    ['a transpose', (outside) => outside.transpose()],
    ['a slice', (outside) => outside.slice([0, 0], [1, 3]).reshape([3, 1])],
    ['a sum', (outside) => outside.sum(0).reshape([3, 1])],
    ['a mean', (outside) => outside.mean(1, true)],
    ['an expansion', (outside) => outside.expandDims(0).sum()],
    ['a tiling', (outside) => outside.tile([1, 2]).sum()],
    ['a gather', (outside) => outside.gather(tf.tensor1d([1, 0], 'int32')).sum()],
    ['a cast', (outside) => outside.cast('int32').cast('float32').sum()],
    [
      'a padding',
      (outside) =>
        outside
          .pad([
            [0, 1],
            [0, 0],
          ])
          .sum(),
    ],
    ['a concatenation', (outside) => tf.concat([outside, outside], 1).sum()],
    ['a stack', (outside) => tf.stack([outside, outside]).sum()],
    ['an argMax', (outside) => outside.argMax(1).cast('float32').sum()],
    ['a where', (outside) => tf.where(outside.greater(0), outside, outside.neg()).sum()],
  ])('may be used first by %s', async (_, use) => {
    await trainBoth(() => {
      const outside = tf.tensor2d(anchors, [2, 3]);
      return { losses: (prediction) => prediction.mul(use(outside).sum()).square().mean() };
    });
  });

  it('may be made in the first step and kept', async () => {
    for (const size of [6, 20_000]) {
      await trainBoth(() => {
        let kept: tf.Tensor | undefined;
        return {
          losses: (prediction) => {
            kept ??= tf.keep(tf.tensor1d(Float32Array.from({ length: size }, (__, k) => Math.sin(k))));
            return prediction
              .add(kept.reshape([2, -1]).mean())
              .square()
              .mean();
          },
        };
      });
    }
  });

  it('are fed where they are large, not copied into the graph, and freed at the end', async () => {
    const { binding } = asNativeBackend(tf.backend()) as NativeBackend;
    const elements = 12 * 2 ** 20; // 48 MB
    const data = tf.tensor2d(
      Float32Array.from({ length: elements }, (_, k) => (k % 7) - 3),
      [elements / 4, 4],
    );
    data.square().dispose();
    const make = (): Trial => ({
      losses: (prediction, { x }) =>
        prediction
          .add(data.slice([64, 0], [64, 4]).mul(x.mean()).mean())
          .square()
          .mean(),
    });
    const handles = [binding.getNumOfTensors()];
    const before = process.memoryUsage().rss;
    const captured = await trainKind('captured', make);
    const grown = process.memoryUsage().rss - before;
    handles.push(binding.getNumOfTensors());
    expectSame(captured, await trainKind('eager', make));
    handles.push(binding.getNumOfTensors());
    const [first = 0, second = 0, third = 0] = handles;
    expect(second - first).toBe(third - second);
    // A graph that held the data would take several times its size: as a message, as a file and parsed.
    expect(grown).toBeLessThan(data.size * 4);
    data.dispose();
  });

  it('are detected when another tensor takes their place, before the next step', async () => {
    const make = (): Trial => {
      let mask = tf.tensor1d([1, 2]);
      return {
        losses: (prediction) => prediction.mul(mask.sum()).square().mean(),
        onStep: (iteration) => {
          if (iteration !== 7 && iteration !== 10) return;
          mask.dispose();
          mask = tf.tensor1d([3, iteration]);
        },
      };
    };
    const captured = await trainKind('captured', make, { capture: 'auto' });
    expectSame(captured, await trainKind('eager', make));
    expect(captured.lines.join('\n')).toContain('takes from outside of the step for the op Sum differs');
  });
});
