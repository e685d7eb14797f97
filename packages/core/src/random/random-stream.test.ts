import { RandomStream } from './random-stream.ts';

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe('RandomStream', () => {
  it('gives the same numbers for the same seed and path, others for any other', () => {
    const words = (seed: number, path: string): number[] => {
      const stream = new RandomStream(seed, path);
      return draw(8, () => stream.uint32());
    };
    expect(words(7, 'a')).toEqual(words(7, 'a'));
    const sequences = [words(7, 'a'), words(8, 'a'), words(-7, 'a'), words(7, 'b'), words(7, ''), words(2 ** 40, 'a')];
    expect(new Set(sequences.map(String)).size).toBe(sequences.length);
  });

  it('keeps its numbers across versions, since runs are reproduced by them', () => {
    const stream = new RandomStream(42, 'loader');
    expect(draw(3, () => stream.uint32())).toEqual([665098560, 80020204, 3031267062]);
    expect(stream.float()).toBe(0.33861948375936435);
    expect(stream.normal()).toBe(-0.5034810781486753);
    expect([...stream.permutation(6)]).toEqual([1, 3, 2, 5, 0, 4]);
    expect(stream.seedPair()).toEqual([-887425935, 507374741]);
  });

  it('continues from any position, also in the middle of a block and after a normal', () => {
    const stream = new RandomStream(1, 'x');
    stream.uint32();
    stream.normal();
    expect(stream.position).toBe(3);
    const { position } = stream;
    const expected = draw(9, () => stream.normal());
    const other = new RandomStream(1, 'x');
    other.position = position;
    expect(draw(9, () => other.normal())).toEqual(expected);
    stream.position = position;
    expect(draw(9, () => stream.normal())).toEqual(expected);
  });

  it('reaches positions beyond 2^32 blocks', () => {
    const [near, far] = [new RandomStream(1), new RandomStream(1)];
    far.position = 2 ** 34;
    expect(draw(4, () => far.uint32())).not.toEqual(draw(4, () => near.uint32()));
    expect(far.position).toBe(2 ** 34 + 4);
  });

  it('float() is uniform in [0, 1): mean, variance and every sixteenth', () => {
    const stream = new RandomStream(3);
    const counts = new Array<number>(16).fill(0);
    let [sum, squares, inside] = [0, 0, true];
    const n = 160_000;
    for (let i = 0; i < n; i++) {
      const x = stream.float();
      inside &&= x >= 0 && x < 1;
      counts[Math.floor(x * 16)]! += 1;
      sum += x;
      squares += x * x;
    }
    expect(inside).toBe(true);
    // Five standard deviations each.
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(squares / n - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / n));
    for (const count of counts) expect(Math.abs(count - n / 16)).toBeLessThan(5 * Math.sqrt((n / 16) * (15 / 16)));
  });

  it('normal() has the moments of the standard normal distribution and is always finite', () => {
    const stream = new RandomStream(4);
    const n = 200_000;
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = stream.normal();
      for (let power = 1; power <= 4; power++) sums[power - 1]! += x ** power;
    }
    const [mean, second, third, fourth] = sums.map((sum) => sum / n) as [number, number, number, number];
    expect(Number.isFinite(sums[3])).toBe(true);
    // Variances of x, x^2, x^3, x^4 are 1, 2, 15, 96.
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / n));
    expect(Math.abs(second - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(third)).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(fourth - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
  });

  it('int(n) is unbiased where a plain remainder would favour small numbers', () => {
    const stream = new RandomStream(5);
    // Of 2^32 words taken modulo 3 * 2^30, the first third of the range would come twice as often as the rest.
    const n = 3 * 2 ** 30;
    const low = draw(60_000, () => stream.int(n)).filter((x) => x < 2 ** 30).length;
    expect(Math.abs(low - 20_000)).toBeLessThan(5 * Math.sqrt((60_000 * 2) / 9));
  });

  it('int(n) covers small and very large ranges', () => {
    const stream = new RandomStream(6);
    expect(new Set(draw(200, () => stream.int(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(stream.int(1)).toBe(0);
    const large = draw(200, () => stream.int(2 ** 52));
    expect(large.every((x) => Number.isSafeInteger(x) && x >= 0 && x < 2 ** 52)).toBe(true);
    expect(large.some((x) => x > 2 ** 50)).toBe(true);
    for (const n of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(() => stream.int(n)).toThrow(expect.objectContaining({ code: 'HKL_RANDOM_RANGE' }) as Error);
    }
  });

  it('permutation() and shuffle() give each order equally often', () => {
    const stream = new RandomStream(8);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = stream.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt((1000 * 23) / 24));
    const letters = ['a', 'b', 'c', 'd', 'e'];
    expect(stream.shuffle(letters)).toBe(letters);
    expect([...letters].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([...stream.permutation(0)]).toEqual([]);
  });

  it('sub-streams are independent of how far their parent is, and draw nothing from it', () => {
    const parent = new RandomStream(9, 'p');
    const before = parent.stream('child').uint32();
    expect(parent.position).toBe(0);
    const moved = new RandomStream(9, 'p');
    moved.uint32();
    expect(moved.stream('child').uint32()).toBe(before);
    expect(parent.stream('child')).toBe(parent.stream('child'));
    expect(parent.stream('child').path).toBe('p/child');
    expect(new RandomStream(9, 'p/child').uint32()).toBe(before);
    const { seed, path } = moved.stream('child');
    expect(new RandomStream(seed, path).uint32()).toBe(before);
  });

  it('seedPair() gives signed 32-bit integers', () => {
    const stream = new RandomStream(10);
    const numbers = draw(50, () => stream.seedPair()).flat();
    expect(numbers.every((x) => Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 31)).toBe(true);
    expect(numbers.some((x) => x < 0)).toBe(true);
  });

  it('refuses what is no seed, no position, no name', () => {
    const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
    expect(() => new RandomStream(0.5)).toThrow(code('HKL_RANDOM_SEED'));
    expect(() => new RandomStream(Number.NaN)).toThrow(code('HKL_RANDOM_SEED'));
    expect(() => (new RandomStream(1).position = -1)).toThrow(code('HKL_RANDOM_POSITION'));
    expect(() => new RandomStream(1).stream('')).toThrow(code('HKL_RANDOM_NAME'));
    expect(new RandomStream(-0, 'a').uint32()).toBe(new RandomStream(0, 'a').uint32());
  });
});
