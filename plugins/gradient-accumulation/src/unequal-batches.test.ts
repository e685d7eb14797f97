import { selectDevice, tf } from '@hookline/tfjs';
import { type Batch, training, xs, ys } from './linear-training.test.support.ts';
import { gradientAccumulation } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

describe.each(['off', 'required'] as const)('with batches of different sizes, capture %s,', (capture) => {
  const isHere = () => capture === 'off' || tf.getBackend() === 'tensorflow';
  const SIZES = [8, 8, 4];

  /** The first samples, in batches of these sizes, over and over. */
  function* cut(sizes: readonly number[], more: (size: number, at: number) => object = () => ({})) {
    for (let at = 0; ;) {
      for (const size of sizes) {
        if (at + size > 40) at = 0;
        yield {
          x: { data: xs.slice(at * 3, (at + size) * 3), shape: [size, 3] },
          y: { data: ys.slice(at, at + size), shape: [size, 1] },
          ...more(size, at),
        };
        at += size;
      }
    }
  }

  it.each(['mean', 'sum'] as const)(
    '8, 8 and 4 samples are a batch of 20, for a loss that is a %s',
    async (reduction) => {
      if (!isHere()) skipTest('captured steps need native TensorFlow');
      const whole = training(20, 4, [], { reduction, data: () => cut([20]) });
      await whole.trainer.train();
      const data = () => cut(SIZES);
      const parts = training(0, 12, [gradientAccumulation({ steps: 3, reduction })], { reduction, capture, data });
      await parts.trainer.train();
      parts.weights().forEach((weight, i) => expect(weight).toBeCloseTo(whole.weights()[i] ?? NaN, 6));
    },
  );

  it('counts a batch by what batchSize gives, on the device', async () => {
    if (!isHere()) skipTest('captured steps need native TensorFlow');
    // A mean over the rows that a mask lets through; of 8 rows 1 or 2, of 4 all.
    const mask = (size: number, at: number) => ({
      mask: {
        data: Float32Array.from({ length: size }, (_, i) => (size === 4 || (i + at) % 5 === 0 ? 1 : 0)),
        shape: [size, 1],
      },
    });
    const joined = (size: number, at: number) => ({
      mask: {
        data: Float32Array.from([8, 8, 4].flatMap((part, k) => [...mask(part, at + k * 8).mask.data])),
        shape: [size, 1],
      },
    });
    type Masked = Batch & { mask: tf.Tensor2D };
    const masked =
      (w: tf.Variable) =>
      ({ x, y, mask: m }: Masked) =>
        x
          .matMul(w as tf.Tensor2D)
          .sub(y)
          .square()
          .mul(m)
          .sum()
          .div(m.sum())
          .asScalar();
    const whole = training(0, 4, [], { losses: masked, data: () => cut([20], joined) });
    await whole.trainer.train();
    const plugin = gradientAccumulation({ steps: 3, batchSize: ({ mask: m }: Masked) => m.sum() as tf.Scalar });
    const parts = training(0, 12, [plugin], { losses: masked, capture, data: () => cut(SIZES, mask) });
    await parts.trainer.train();
    parts.weights().forEach((weight, i) => expect(weight).toBeCloseTo(whole.weights()[i] ?? NaN, 5));
  });

  it('counts the samples of a batch that is a map', async () => {
    if (!isHere()) skipTest('captured steps need native TensorFlow');
    const losses = (w: tf.Variable) => (batch: Map<'x' | 'y', tf.Tensor2D>) =>
      tf.losses.meanSquaredError(batch.get('y')!, batch.get('x')!.matMul(w as tf.Tensor2D)).asScalar();
    const asMaps = (sizes: readonly number[]) =>
      function* () {
        for (const { x, y } of cut(sizes)) yield new Map(Object.entries({ x, y }));
      };
    const whole = training(0, 4, [], { losses, data: asMaps([20]) });
    await whole.trainer.train();
    const parts = training(0, 12, [gradientAccumulation({ steps: 3 })], { losses, capture, data: asMaps(SIZES) });
    await parts.trainer.train();
    parts.weights().forEach((weight, i) => expect(weight).toBeCloseTo(whole.weights()[i] ?? NaN, 6));
  });

  it('asks for the size where it is not clear, and takes it', async () => {
    if (!isHere()) skipTest('captured steps need native TensorFlow');
    const data = () => cut(SIZES, () => ({ table: { data: new Float32Array(6), shape: [6] } }));
    const unclear = training(0, 3, [gradientAccumulation({ steps: 3 })], { capture, data });
    await expect(unclear.trainer.train()).rejects.toThrow(
      /HKL_ACCUMULATION_BATCH_SIZE.*batch\.x has the leading dimension 8, batch\.table has 6/,
    );
    const told = training(0, 3, [gradientAccumulation({ steps: 3, batchSize: ({ x }: Batch) => x.shape[0] })], {
      capture,
      data,
    });
    await told.trainer.train();
    const sum = training(0, 3, [gradientAccumulation({ steps: 3, reduction: 'sum' })], { capture, data });
    await sum.trainer.train();
    const wrong = training(0, 3, [gradientAccumulation({ steps: 3, batchSize: () => 0 })], { capture, data });
    await expect(wrong.trainer.train()).rejects.toThrow(/HKL_ACCUMULATION_BATCH_SIZE.*batchSize gave 0/);
  });
});
