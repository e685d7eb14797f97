import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { disposeBatch, disposeUnused, toDevice } from './device-batch.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

it('puts arrays on the device wherever they are nested, and leaves the rest', () => {
  const before = tf.memory().numTensors;
  const file = Buffer.from('encoded');
  const date = new Date();
  const device = toDevice({
    image: { data: new Uint8Array([0, 128, 255, 1]), shape: [1, 2, 2] },
    pair: [{ data: Float32Array.of(1.5), shape: [] }, 'name.jpg'],
    labels: Int32Array.of(3, -4),
    mask: { data: Uint8Array.of(1, 0), shape: [2], dtype: 'bool' },
    weights: { data: Float64Array.of(0.5, 2), shape: [2] },
    float: { data: new Uint8Array([7]), shape: [1], dtype: 'float32' },
    read: { data: Buffer.from([1, 200, 255]).subarray(1), shape: [2], dtype: 'float32' },
    meta: { id: 7, file, date, none: null },
  });
  const batch = device.batch as Record<string, tf.Tensor> & { pair: [tf.Tensor, string]; meta: object };
  const shown = (tensor: tf.Tensor): unknown => [tensor.dtype, tensor.shape, [...tensor.dataSync()]];
  expect(shown(batch['image']!)).toEqual(['int32', [1, 2, 2], [0, 128, 255, 1]]);
  expect(shown(batch.pair[0])).toEqual(['float32', [], [1.5]]);
  expect(batch.pair[1]).toBe('name.jpg');
  expect(shown(batch['labels']!)).toEqual(['int32', [2], [3, -4]]);
  expect(shown(batch['mask']!)).toEqual(['bool', [2], [1, 0]]);
  expect(shown(batch['weights']!)).toEqual(['float32', [2], [0.5, 2]]);
  expect(shown(batch['float']!)).toEqual(['float32', [1], [7]]);
  expect(shown(batch['read']!)).toEqual(['float32', [2], [200, 255]]);
  expect(batch.meta).toEqual({ id: 7, file, date, none: null });
  expect(tf.memory().numTensors).toBe(before + 7);
  disposeBatch(device);
  expect(tf.memory().numTensors).toBe(before);
});

it('frees tensors of the batch, except variables, kept ones and borrowed ones', () => {
  const [given, kept, variable] = [tf.ones([1]), tf.keep(tf.ones([1])), tf.variable(tf.ones([1]))];
  disposeBatch(toDevice([given, kept, variable]));
  expect([given.isDisposed, kept.isDisposed, variable.isDisposed]).toEqual([true, false, false]);
  const borrowed = tf.ones([1]);
  disposeBatch(toDevice(borrowed, { tensors: 'borrow' }));
  expect(borrowed.isDisposed).toBe(false);
});

it('frees the tensors of a batch that is skipped, also in maps and sets', () => {
  const tensors = Array.from({ length: 4 }, () => tf.ones([1]));
  const [a, b, c, d] = tensors;
  disposeUnused({ x: [a], more: new Map([['b', b]]), others: new Set([c]) });
  disposeUnused({ d }, { tensors: 'borrow' });
  expect(tensors.map(({ isDisposed }) => isDisposed)).toEqual([true, true, true, false]);
});

it('says which tensor has already been freed', () => {
  const x = tf.ones([1]);
  disposeBatch(toDevice({ pair: [x] }));
  expect(() => toDevice({ pair: [x] })).toThrow(
    '[HKL_BATCH_DISPOSED] data: batch.pair[0] is a tensor that has been disposed.',
  );
});

it('refuses data that does not fill its shape, and leaves nothing behind', () => {
  const before = tf.memory().numTensors;
  const batch = { x: Float32Array.of(1), y: { data: Float32Array.of(1, 2, 3), shape: [2, 2] } };
  expect(() => toDevice(batch)).toThrow(
    '[HKL_BATCH_SHAPE] data: batch.y has 3 elements for shape [2, 2]. Give 4 elements',
  );
  expect(tf.memory().numTensors).toBe(before);
});
