import { selectDevice, tf } from '@hookline/tfjs';
import { PopulationStatistics } from './population-statistics.ts';

beforeAll(() => selectDevice('auto'));

describe('PopulationStatistics', () => {
  it('gives mean and variance of everything, by the size of the batches', () => {
    const before = tf.memory().numTensors;
    const values = Array.from({ length: 30 }, (_, i) => 1000 + Math.sin(i * 1.7) * (1 + i / 10));
    const population = new PopulationStatistics();
    for (const [from, to] of [
      [0, 1],
      [1, 9],
      [9, 12],
      [12, 30],
    ] as const) {
      const x = tf.tensor2d(values.slice(from, to), [to - from, 1]);
      const { mean, variance } = tf.moments(x, [0]);
      population.add({ mean, variance, count: to - from });
      tf.dispose([x, mean, variance]);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(population.mean?.dataSync()[0]).toBeCloseTo(mean, 3);
    // E[x²] - mean² in float32 would be off by about 0.1 here.
    expect(population.variance?.dataSync()[0]).toBeCloseTo(variance, 3);
    population.dispose();
    expect(population.mean).toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
  });
});
