import tf from '#tfjs';
import { selectDevice } from '../device/select-device.ts';
import { hostRandom, statelessRandom } from './stateless-random.ts';
import { RunnerScope } from './runner-scope.ts';

beforeAll(async () => {
  await selectDevice('auto');
});

/** Returns the result of `draw` in one iteration. */
function drawn(draw: (scope: RunnerScope) => tf.Tensor, { seed = 1, iteration = 0 } = {}): number[] {
  const scope = new RunnerScope({ random: seed });
  return scope.run(iteration, () => tf.tidy(() => [...draw(scope).dataSync()]));
}

it('depends only on seed, name, iteration and position', () => {
  const draw = (scope: RunnerScope): tf.Tensor => scope.random('a').uniform([6]);
  const first = drawn(draw);
  expect(drawn(draw)).toEqual(first);
  expect(drawn(draw, { seed: 2 })).not.toEqual(first);
  expect(drawn(draw, { iteration: 1 })).not.toEqual(first);
  expect(drawn((scope) => scope.random('b').uniform([6]))).not.toEqual(first);
  // Drawing from another name first changes nothing; the same name gives its next numbers.
  const afterOther = drawn((scope) => {
    scope.random('b').uniform([2]);
    return draw(scope);
  });
  expect(afterOther).toEqual(first);
  const afterSame = drawn((scope) => {
    draw(scope);
    return draw(scope);
  });
  expect(afterSame).not.toEqual(first);
});

it('gives the same numbers for a seed as the op of TensorFlow itself', () => {
  // Read from tf.random.stateless_uniform([10], seed=[5, -7]) of TensorFlow 2.21 on a CPU.
  const expected = [0.5455766, 0.19691694, 0.23146129, 0.4433471, 0.20777476, 0.38368833, 0.35475814, 0.10781217];
  const host = hostRandom('uniform', [2, 4], [5, -7]);
  expected.forEach((value, k) => expect(host[k]).toBeCloseTo(value, 7));
});

it.each(['uniform', 'normal'] as const)('gives the same numbers on the device as on the host: %s', (distribution) => {
  for (const seed of [
    [5, -7],
    [0, 0],
    [-2147483648, 2147483647],
  ] as const) {
    const host = hostRandom(distribution, [3, 50], seed);
    const device = tf.tidy(() =>
      statelessRandom(
        distribution,
        [3, 50],
        () => tf.tensor1d([...seed], 'int32'),
        () => seed,
      ).dataSync(),
    );
    if (distribution === 'uniform') expect([...device]).toEqual([...host]);
    else device.forEach((value, k) => expect(value).toBeCloseTo(host[k]!, 5));
  }
});

it('is uniform in the given range, and normal with the given mean and deviation', () => {
  const uniform = drawn((scope) => scope.random('a').uniform([20000], -1, 3));
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...uniform)).toBeLessThan(3);
  expect(mean(uniform)).toBeCloseTo(1, 1);
  const normal = drawn((scope) => scope.random('a').normal([20000], 2, 0.5));
  expect(mean(normal)).toBeCloseTo(2, 1);
  expect(Math.sqrt(mean(normal.map((value) => (value - 2) ** 2)))).toBeCloseTo(0.5, 1);
});

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
