import { selectDevice, tf } from '@hookline/tfjs';
import { batchNorm, conv, upsample } from './layers.ts';
import { Parameters } from './parameters.ts';

beforeAll(() => selectDevice('auto'));

describe('batchNorm', () => {
  it('normalises by the batch in train mode, and moves the averages that eval mode uses', () => {
    const parameters = new Parameters();
    const norm = batchNorm(parameters, 'norm', 2);
    const x = tf.tensor4d([1, 10, 3, 30, 5, 50, 7, 70], [2, 1, 2, 2]);
    const seen: number[] = [];
    parameters.batchNorms[0]?.watch(({ mean }) => seen.push(...mean.dataSync()));
    const trained = norm(x, true);
    const { mean, variance } = tf.moments(trained, [0, 1, 2]);
    mean.dataSync().forEach((value) => expect(value).toBeCloseTo(0, 5));
    variance.dataSync().forEach((value) => expect(value).toBeCloseTo(1, 2));
    expect(seen).toEqual([4, 40]);
    const average = parameters.state.get('norm/moving_mean')?.dataSync() as Float32Array;
    expect(average[1]).toBeCloseTo(4, 5);
    const evaluated = norm(x, false).dataSync();
    const moved = parameters.state.get('norm/moving_variance')?.dataSync() as Float32Array;
    expect(moved[0]).toBeCloseTo(0.9 + 0.1 * 5, 5);
    expect(evaluated[0]).toBeCloseTo((1 - (average[0] as number)) / Math.sqrt((moved[0] as number) + 1e-3), 4);
  });
});

it('a conv whose stride equals its kernel size needs no padding', () => {
  const parameters = new Parameters();
  const shrink = conv(parameters, 'shrink', { kernel: 4, stride: 4, from: 3, to: 5, bias: 0.5 });
  expect(shrink(tf.zeros([1, 8, 12, 3]), false).shape).toEqual([1, 2, 3, 5]);
  expect(shrink(tf.zeros([1, 4, 4, 3]), false).dataSync()[0]).toBe(0.5);
  expect(() => conv(parameters, 'shrink', { from: 1, to: 1 })).toThrow('two variables are called "shrink/kernel"');
});

it('upsample repeats each pixel, as nearest neighbours do', () => {
  const x = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 5]);
  const apart = upsample(x)
    .sub(tf.image.resizeNearestNeighbor(x, [6, 8]))
    .abs()
    .max();
  expect(apart.dataSync()[0]).toBe(0);
});

it('the gradient of upsample sums the gradients of the four pixels', () => {
  const x = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 5]);
  const dy = tf.randomNormal<tf.Rank.R4>([2, 6, 8, 5]);
  const found = tf.grad((small) => upsample(small as tf.Tensor4D))(x, dy);
  const summed = dy.reshape([2, 3, 2, 4, 2, 5]).sum([2, 4]);
  expect(found.sub(summed).abs().max().dataSync()[0]).toBeLessThan(1e-6);
});
