import { selectDevice, tf } from '@hookline/tfjs';
import { clipByGlobalNorm, clipByNorm, clipByValue } from './clip-gradients.ts';
import { globalNorm, pNorm } from './p-norm.ts';

beforeAll(() => selectDevice('auto'));

const values = (tensor: unknown): number[] => [...(tensor as tf.Tensor).dataSync()];
const gradients = () => ({ a: tf.tensor1d([3, -4]), b: tf.tensor2d([[0, 12]]) });

describe('norms', () => {
  it.each([
    [1, 7],
    [2, 5],
    [3, Math.cbrt(27 + 64)],
    ['inf' as const, 4],
    [Infinity, 4],
  ])('the %s-norm of (3, -4) is %f', (p, expected) => {
    expect(pNorm(tf.tensor1d([3, -4]), p).dataSync()[0]).toBeCloseTo(expected, 5);
  });

  it.each([
    [1, 19],
    [2, 13],
    ['inf' as const, 12],
  ])('the global %s-norm is that of all elements', (p, expected) => {
    expect(globalNorm(Object.values(gradients()), p).dataSync()[0]).toBeCloseTo(expected, 5);
  });
});

describe('clipping', () => {
  it('by value limits each element', () => {
    const { a, b } = clipByValue(gradients(), 3.5);
    expect(values(a)).toEqual([3, -3.5]);
    expect(values(b)).toEqual([0, 3.5]);
  });

  it('by norm scales each parameter by min(1, c / (norm + 1e-6))', () => {
    const { a, b } = clipByNorm(gradients(), 6, 2);
    expect(values(a)).toEqual([3, -4]);
    expect(values(b)[1]).toBeCloseTo((12 * 6) / (12 + 1e-6), 6);
    expect(values(clipByNorm(gradients(), 1, 2)['a'])[0]).toBeCloseTo(3 / (5 + 1e-6), 6);
  });

  it('by global norm scales all alike, and leaves small ones alone', () => {
    const { a, b } = clipByGlobalNorm(gradients(), 1.3, 2);
    expect(values(a)[0]).toBeCloseTo(0.3, 5);
    expect(values(a)[1]).toBeCloseTo(-0.4, 5);
    expect(values(b)[1]).toBeCloseTo(1.2, 5);
    expect(values(clipByGlobalNorm(gradients(), 14, 2)['a'])).toEqual([3, -4]);
  });

  it('takes gradients of zero', () => {
    expect(values(clipByNorm({ z: tf.zeros([2]) }, 1, 2)['z'])).toEqual([0, 0]);
  });
});
