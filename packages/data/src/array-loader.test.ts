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

  it('takes arrays, typed arrays and tensors in place of data with a shape', () => {
    const loader = new ArrayLoader(
      {
        // What a tensor has; the trainer's tests give real ones.
        x: { shape: [3, 2], dtype: 'float32', dataSync: () => Float32Array.of(1, 2, 3, 4, 5, 6) },
        rows: [
          [[1], [2]],
          [[3], [4]],
          [[5], [6]],
        ],
        flags: [true, false, true],
        bytes: Uint16Array.of(1, 2, 3),
        samples: [Float64Array.of(1, 2), Float64Array.of(3, 4), Float64Array.of(5, 6)] as never,
      },
      { batchSize: 2 },
    );
    const [first] = [...loader];
    expect(first).toEqual({
      x: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      rows: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2, 1] },
      flags: { data: Float32Array.of(1, 0), shape: [2] },
      bytes: { data: Uint16Array.of(1, 2), shape: [2] },
      samples: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
    });
  });

  it.each<[unknown, string]>([
    [{ x: [[1, 2], [3]] }, 'field "x" is an array of 1 at x[1], where 2 values should be, as in those before'],
    [{ x: [1, 'two'] }, 'field "x" is "two" at x[1], where a number should be'],
    [{ x: [[1], 2] }, 'field "x" is 2 at x[1], where 1 values should be'],
    [{ x: 5 }, 'field "x" is 5'],
    [{ x: undefined }, 'field "x" is undefined'],
    [{ x: { data: Float32Array.of(1) } }, 'field "x" is data without a shape'],
    [{ x: { data: [1, 2], shape: [2] } }, 'field "x" is data of an array of 2 and shape an array of 1'],
    [{ x: { shape: [], dtype: 'float32', dataSync: () => 5 } }, 'field "x" is a scalar tensor, which has no samples'],
    [{ x: { shape: [1], dtype: 'string', dataSync: () => ['a'] } }, 'field "x" is a tensor of dtype string'],
    [{ x: BigInt64Array.of(1n) }, 'field "x" is an object of class BigInt64Array'],
    [[[1], [2]], 'the fields are an array of 2'],
    [Float32Array.of(1), 'the fields are an object of class Float32Array'],
    [{}, 'the fields are an empty object'],
    [undefined, 'the fields are undefined'],
  ])('refuses %j and says what it takes', (bad, message) => {
    const make = () => new ArrayLoader(bad as never, { batchSize: 1 });
    expect(make).toThrow(`[HKL_DATA_FIELDS] ArrayLoader: ${message}`);
    expect(make).toThrow(/Give (\{ data, shape \}, a typed array, arrays of numbers|them by name)/);
  });
});
