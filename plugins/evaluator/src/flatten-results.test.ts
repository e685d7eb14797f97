import { flattenResults } from './flatten-results.ts';

describe('flattenResults', () => {
  it('joins nested names by "/"', () => {
    expect(flattenResults({ loss: 1, bbox: { AP: 0.5, size: { small: NaN } }, none: {} })).toEqual({
      loss: 1,
      'bbox/AP': 0.5,
      'bbox/size/small': NaN,
    });
  });

  it.each([
    [{ a: { b: 'x' } }, '"a/b": "x"'],
    [{ a: null }, '"a": null'],
    [{ a: [1] }, '"a": an array'],
    [{ a: new Map() }, '"a": a Map'],
    [3n, 'a BigInt'],
    [0.5, '0.5, which is no number with a name'],
  ])('refuses what is no number: %p', (results, found) => {
    expect(() => flattenResults(results as never)).toThrow(`[HKL_EVAL_RESULT] evaluation: the results hold ${found}`);
  });
});
