import { RandomStream } from '@hookline/core';
import { ArrayLoader } from './array-loader.ts';

const fields = (samples: number) => ({
  x: { data: Float32Array.from({ length: samples * 2 }, (_, i) => i), shape: [samples, 2] as const },
  y: { data: Uint8Array.from({ length: samples }, (_, i) => i), shape: [samples] as const },
});
const labels = (loader: Iterable<{ y: { data: Uint8Array } }>) => [...loader].map(({ y }) => [...y.data]);

describe('ArrayLoader', () => {
  it('gives batches in order, the last one smaller, and the same samples of every field', () => {
    const loader = new ArrayLoader(fields(5), { batchSize: 2 });
    const batches = [...loader];
    expect(batches.map(({ y }) => [...y.data])).toEqual([[0, 1], [2, 3], [4]]);
    expect(batches[1]?.x).toEqual({ data: Float32Array.from([4, 5, 6, 7]), shape: [2, 2] });
    expect(labels(loader)).toHaveLength(3);
    expect(labels(new ArrayLoader(fields(5), { batchSize: 2, dropLast: true }))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('shuffles anew in each epoch, without losing a sample, and alike for equal seeds', () => {
    const make = (seed: number) =>
      new ArrayLoader(fields(20), { batchSize: 4, shuffle: true, random: new RandomStream(seed, 'data') });
    const loader = make(1);
    const [first, second] = [labels(loader), labels(loader)];
    expect(first).not.toEqual(second);
    expect(first.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(labels(make(1))).toEqual(first);
    expect(labels(make(2))).not.toEqual(first);
  });

  it('goes on exactly where its state was taken, random transforms included', () => {
    const make = () =>
      new ArrayLoader(fields(10), {
        batchSize: 4,
        shuffle: true,
        repeat: true,
        random: new RandomStream(3, 'data'),
        transform: ({ x }, random) => x.data.forEach((value, i) => (x.data[i] = value + random.float())),
      });
    const take = (loader: ReturnType<typeof make>, count: number) => {
      const taken = [];
      for (const batch of loader) if (taken.push(batch) === count) break;
      return taken;
    };
    const whole = take(make(), 7);
    const half = make();
    take(half, 3);
    const resumed = make();
    resumed.restore(JSON.parse(JSON.stringify(half.state())));
    expect(take(resumed, 4)).toEqual(whole.slice(3));
  });

  it('refuses fields that do not fit together, and batches that cannot be filled', () => {
    const { x, y } = fields(4);
    expect(() => new ArrayLoader({ x: { ...x, shape: [3, 2] } }, { batchSize: 1 })).toThrow(
      /field "x" has 8 numbers for shape \[3, 2\]/,
    );
    expect(() => new ArrayLoader({ x, y: fields(3).y }, { batchSize: 1 })).toThrow(
      /different numbers of samples \(x: 4, y: 3\)/,
    );
    expect(() => new ArrayLoader({ y }, { batchSize: 8, dropLast: true })).toThrow(
      /\[HKL_DATA_EMPTY\].*4 samples do not fill one batch of 8/,
    );
    expect(() => new ArrayLoader({ y }, { batchSize: 0 })).toThrow(/HKL_DATA_BATCH_SIZE/);
    expect(() => new ArrayLoader({ y }, { batchSize: 1, shufle: true } as never)).toThrow(
      '[HKL_OPTION_UNKNOWN] ArrayLoader: it has no option "shufle". Did you mean "shuffle"?',
    );
  });
});
