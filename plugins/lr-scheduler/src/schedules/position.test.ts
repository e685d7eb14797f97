import { progress, shareOf, unitsDone } from './position.ts';

const at = (iteration: number, total: number) => ({ iteration, total, maxIterations: total });

describe('progress', () => {
  it('goes from 0 to 1 and no further', () => {
    expect([0, 25, 100, 150].map((i) => progress(at(i, 100)))).toEqual([0, 0.25, 1, 1]);
  });

  it('of a part without length is 1', () => expect(progress(at(0, 0))).toBe(1));
});

describe('unitsDone', () => {
  it('counts shares at their iteration, not before, for every iteration of a run', () => {
    for (const total of [7, 10, 90, 1000]) {
      for (let i = 0; i <= total; i++) expect(unitsDone(at(i, total), total)).toBe(i);
    }
    expect([0, 29, 30, 59, 60, 89, 90].map((i) => unitsDone(at(i, 90), 3))).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });

  it.each([1e6, 3e6, 1e7, 123_456_789])('is exact in a run of %d iterations', (total) => {
    for (const i of [1, 2, 3, total / 2, total - 2, total - 1].map(Math.floor)) {
      expect(unitsDone(at(i, total), total)).toBe(i);
    }
    const third = Math.ceil(total / 3);
    expect(unitsDone(at(third - 1, total), 3)).toBe(0);
    expect(unitsDone(at(third, total), 3)).toBe(1);
  });

  it('forgives rounding in a part of fractional length', () => {
    // 0.3 of a part of 0.1 * 3 is 0.09, which in floating point is a little less than 0.3 of it.
    expect(unitsDone(at(0.1 * 3 * 0.3, 0.1 * 3), 10)).toBe(3);
  });
});

describe('shareOf', () => {
  it('is whole where rounding alone keeps it from being so', () => {
    expect(shareOf(100, 0.1 + 0.2)).toBe(30);
    expect(shareOf(90_000, 1000 / 90_000)).toBe(1000);
    expect(shareOf(10, 0.25)).toBe(2.5);
  });
});
