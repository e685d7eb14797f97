import { makeHistogram } from './histogram.ts';

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);

describe('makeHistogram', () => {
  it('counts in buckets of equal width, edges to the right, the largest into the last', () => {
    const histogram = makeHistogram('w', [0, 1, 2, 2.5, 3.9, 4], 7, 4);
    expect(histogram).toMatchObject({ name: 'w', iteration: 7, num: 6, nonFinite: 0, min: 0, max: 4, sum: 13.4 });
    expect(histogram.sumSquares).toBeCloseTo(1 + 4 + 6.25 + 15.21 + 16, 12);
    expect([...histogram.bucketLimits]).toEqual([1, 2, 3, 4]);
    expect([...histogram.bucketCounts]).toEqual([1, 1, 2, 2]);
  });

  it('counts every element, whatever shape the tensor had that it came from', () => {
    const histogram = makeHistogram(
      'w',
      new Float32Array(6 * 50).fill(1).map((_, i) => i),
      0,
      1000,
    );
    expect(histogram.num).toBe(300);
    expect(total(histogram.bucketCounts)).toBe(300);
  });

  it.each([[[5, 5, 5]], [[0]], [[1e300, 1e300]], [[-(2 ** 60)]]])(
    'has rising edges around equal numbers %j',
    (values) => {
      const { bucketLimits, bucketCounts } = makeHistogram('w', values, 0, 10);
      expect(total(bucketCounts)).toBe(values.length);
      expect(bucketLimits.every((limit, i) => i === 0 || limit > bucketLimits[i - 1]!)).toBe(true);
      expect(bucketLimits[9]!).toBeGreaterThan(values[0]!);
    },
  );

  it('survives numbers whose difference overflows', () => {
    const { bucketCounts, bucketLimits } = makeHistogram('w', [-1.7e308, 0, 1.7e308], 0, 2);
    expect([...bucketCounts]).toEqual([1, 2]);
    expect([...bucketLimits]).toEqual([0, 1.7e308]);
  });

  it('counts NaN and infinities apart', () => {
    expect(makeHistogram('w', [Number.NaN, 1, Infinity, 3, -Infinity], 0, 2)).toMatchObject({
      num: 2,
      nonFinite: 3,
      min: 1,
      max: 3,
    });
    const none = makeHistogram('w', [Number.NaN], 0, 2);
    expect(none).toMatchObject({ num: 0, nonFinite: 1, min: 0, max: 0, sum: 0 });
    expect(total(none.bucketCounts)).toBe(0);
  });

  it('refuses nothing to count, and impossible bins', () => {
    expect(() => makeHistogram('w', [], 0, 2)).toThrow(code('HKL_HISTOGRAM'));
    for (const bins of [0, 1.5, -1]) expect(() => makeHistogram('w', [1], 0, bins)).toThrow(code('HKL_HISTOGRAM'));
  });
});
