import tf from '#tfjs';
import { DataType } from '../../device/native-backend.ts';
import { mixedPrecision } from './mixed-precision.ts';
import { expectAgreement, tryPass, useNative, wave } from './pass-fixture.test.support.ts';

beforeAll(useNative);

const net = (x: tf.Tensor4D, kernel: tf.Tensor4D, bias: tf.Tensor1D) =>
  x
    .conv2d(kernel, 1, 'same')
    .add<tf.Tensor4D>(bias)
    .relu()
    .maxPool(2, 2, 'valid')
    .conv2d(
      kernel.pad<tf.Tensor4D>([
        [0, 0],
        [0, 0],
        [0, 1],
        [0, 0],
      ]),
      1,
      'same',
    )
    .mean();

describe('mixed-precision', () => {
  let [x, kernel, bias]: [tf.Tensor4D, tf.Tensor4D, tf.Tensor1D] = [] as never;
  const run = (precision: 'float32' | 'bfloat16') =>
    tryPass(
      mixedPrecision,
      { x, kernel, bias },
      () => {
        const { value, grads } = tf.valueAndGrads((a, b, c) =>
          net(x, b as tf.Tensor4D, c as tf.Tensor1D).add<tf.Scalar>(a.sum().mul(0)),
        )([x, kernel, bias]);
        return [value, ...grads.slice(1)];
      },
      { precision },
    );
  let trials: Record<'float32' | 'bfloat16', ReturnType<typeof run>>;
  beforeAll(() => {
    [x, kernel, bias] = [wave([2, 8, 8, 3]), wave([3, 3, 3, 4], 1).mul(0.2), wave([4], 2)] as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor1D,
    ];
    trials = { float32: run('float32'), bfloat16: run('bfloat16') };
  });

  it('changes nothing in float32', () => {
    expectAgreement(trials.float32);
    expect(trials.float32.after.has('Cast')).toBe(trials.float32.before.has('Cast'));
  });

  it('runs convolutions and what follows them in the half type, reductions and results in float32', () => {
    const { record, eager, graph } = trials.bfloat16;
    const typeOf = (op: string) =>
      record.nodes.filter((node) => node.op === op).map(({ attributes }) => attributes.get('T')?.value);
    for (const op of ['Conv2D', 'Relu', 'MaxPool', 'MaxPoolGrad', 'ReluGrad', 'Conv2DBackpropFilter']) {
      expect([op, new Set(typeOf(op))]).toEqual([op, new Set([DataType.bfloat16])]);
    }
    expect(typeOf('Mean')).toEqual([DataType.float32]);
    eager.forEach((values, i) => {
      expect(graph[i]).toHaveLength(values.length);
      const scale = Math.max(...values.map(Math.abs));
      // Eight bits of mantissa, a few roundings in a row.
      values.forEach((value, k) => expect(Math.abs(value - (graph[i]?.[k] as number))).toBeLessThan(0.03 * scale));
    });
    expect(graph).not.toEqual(eager);
  });

  describe('in float16', () => {
    /** Gradients of a small loss times a scale, divided by it again. */
    const gradients = (scale: number) => {
      const seed = tf.scalar(scale);
      return tryPass(
        mixedPrecision,
        { x, kernel, bias, seed },
        () => {
          const loss = () => net(x, kernel, bias).mul<tf.Scalar>(1e-6);
          const { grads } = tf.engine().gradients(loss, [kernel, bias], seed);
          return grads.map((gradient) => gradient.div(seed));
        },
        { precision: 'float16' },
      );
    };
    const typesOf = ({ record }: ReturnType<typeof gradients>, op: string) =>
      record.nodes.filter((node) => node.op === op).map(({ attributes }) => attributes.get('T')?.value);

    it('gradients that are too small become 0, and survive where the loss is scaled', () => {
      const [plain, scaled] = [gradients(1), gradients(65536)];
      for (const op of ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']) {
        expect(new Set(typesOf(plain, op))).toEqual(new Set([DataType.float16]));
      }
      plain.eager.forEach((values, i) => {
        const largest = Math.max(...values.map(Math.abs));
        expect(largest).toBeGreaterThan(1e-9);
        expect(new Set(plain.graph[i]?.map(Math.abs))).toEqual(new Set([0]));
        // Eleven bits of mantissa, a few roundings in a row.
        values.forEach((value, k) => {
          expect(Math.abs(value - (scaled.graph[i]?.[k] as number))).toBeLessThan(0.01 * largest);
        });
      });
    });

    it('a scale that is too large makes them infinite or NaN', () => {
      expect(
        gradients(2 ** 40)
          .graph.flat()
          .every(Number.isFinite),
      ).toBe(false);
    });
  });
});
