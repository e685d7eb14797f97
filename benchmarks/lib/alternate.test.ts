import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, figureOfPairs } from './alternate.ts';

describe('alternate', () => {
  it('runs contestants in turn and starts each round with a different one', async () => {
    const order: string[] = [];
    const contestant = (label: string) => () => {
      order.push(label);
      return order.length;
    };
    const { samples } = await alternate(
      { a: contestant('a'), b: contestant('b'), c: contestant('c') },
      { rounds: 3, warmup: 0 },
    );
    expect(order.join('')).toBe('abcbcacab');
    expect(samples).toEqual({ a: [1, 6, 8], b: [2, 4, 9], c: [3, 5, 7] });
  });

  it('discards the warm-up rounds', async () => {
    let calls = 0;
    const { figures } = await alternate({ only: () => ++calls }, { rounds: 3, warmup: 2, unit: 'us' });
    expect(figures.only).toEqual({ median: 4, min: 3, max: 5, unit: 'us', runs: 3 });
  });

  it('measures the wall time of a contestant that returns nothing', async () => {
    const { figures } = await alternate({ nap: () => sleep(20) }, { rounds: 2, warmup: 0 });
    expect(figures.nap.unit).toBe('ms');
    // Timers may fire a little early by the other clock.
    expect(figures.nap.min).toBeGreaterThan(15);
  });

  it('rethrows the error of a contestant', async () => {
    const bad = { bad: () => Promise.reject(new Error('no such kernel')) };
    await expect(alternate(bad, { rounds: 1 })).rejects.toThrow('no such kernel');
  });
});

describe('figureOfPairs', () => {
  it('combines round by round, so that drift cancels', () => {
    expect(figureOfPairs([11, 22, 33], [10, 20, 30], (a, b) => a - b, 'ms')).toMatchObject({
      median: 2,
      min: 1,
      max: 3,
    });
  });

  it('rejects lists of samples with different lengths', () => {
    expect(() => figureOfPairs([1], [1, 2], (a) => a, 'ms')).toThrow('1 samples do not pair with 2');
  });
});
