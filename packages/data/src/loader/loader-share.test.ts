import { RandomStream, type RankShare } from '@hookline/core';
import { ArrayLoader } from '../array-loader.ts';

const x = Float32Array.from({ length: 22 }, (_, index) => index);
const make = (share?: RankShare, options: { batchSize?: number; repeat?: boolean; dropLast?: boolean } = {}) => {
  const loader = new ArrayLoader(
    { x },
    { batchSize: 6, shuffle: true, random: new RandomStream(4, 'data'), ...options },
  );
  if (share !== undefined) loader.shareAmong(share);
  return loader;
};

function take(loader: Iterable<{ x: { data: ArrayLike<number> } }>, count = Infinity): number[][] {
  const batches: number[][] = [];
  for (const batch of loader) if (batches.push(Array.from(batch.x.data)) >= count) break;
  return batches;
}

describe('data that ranks share', () => {
  it.each([2, 3])('gives %i ranks every so many rows of each batch', (size) => {
    const whole = take(make(undefined, { repeat: true }), 5);
    const ranks = Array.from({ length: size }, (_, rank) =>
      take(make({ rank, size, of: 'rows' }, { repeat: true }), 5),
    );
    whole.forEach((batch, step) => {
      ranks.forEach((own, rank) => expect(own[step]).toEqual(batch.filter((_, place) => place % size === rank)));
    });
  });

  it('leaves out rows of a last batch that cannot be divided, and the whole of it where ranks are more', () => {
    // 22 samples: three batches of 6, and 4.
    const rows = (size: number) => make({ rank: size - 1, size, of: 'rows' }, { repeat: false });
    expect(take(rows(3)).map(({ length }) => length)).toEqual([2, 2, 2, 1]);
    expect(take(rows(6)).map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it('goes on from the same place with another number of ranks', () => {
    const expected = take(make(undefined, { repeat: true }), 7).slice(3);
    const two = make({ rank: 1, size: 2, of: 'rows' }, { repeat: true });
    take(two, 3);
    const one = make(undefined, { repeat: true });
    one.restore(two.state());
    expect(take(one, 4)).toEqual(expected);
    const three = make({ rank: 2, size: 3, of: 'rows' }, { repeat: true });
    expect(three.fingerprint()).toEqual(one.fingerprint());
    three.restore(two.state());
    expect(take(three, 4)).toEqual(expected.map((batch) => batch.filter((_, place) => place % 3 === 2)));
  });

  it('gives each rank a run of whole batches to evaluate', () => {
    const whole = take(make());
    for (const size of [2, 3, 5]) {
      const loaders = Array.from({ length: size }, (_, rank) => make({ rank, size, of: 'batches' }));
      expect(loaders.reduce((sum, { length }) => sum + length, 0)).toBe(4);
      const own = loaders.map((loader) => take(loader));
      expect(own.flat()).toEqual(whole);
    }
  });

  it('refuses a batch that cannot be shared equally, and says which can', () => {
    expect(() => make({ rank: 0, size: 4, of: 'rows' })).toThrow(
      /HKL_DATA_SHARE.*a batch of 6 cannot be shared equally by 4 ranks.*such as 8/,
    );
    expect(() => make({ rank: 0, size: 4, of: 'batches' })).not.toThrow();
  });
});
