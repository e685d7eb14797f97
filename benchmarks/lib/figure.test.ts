import { figure, median } from './figure.ts';

describe('figure', () => {
  it('takes the median of an odd number of samples in any order', () => {
    expect(figure([10, 2, 9], 'ms')).toEqual({ median: 9, min: 2, max: 10, unit: 'ms', runs: 3 });
  });

  it('takes the mean of the two middle samples of an even number', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  it('sorts samples numerically', () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  it('rejects an empty list and a sample that is not finite', () => {
    expect(() => figure([], 'ms')).toThrow('at least one sample');
    expect(() => figure([1, Number.NaN], 'ms')).toThrow('a sample is NaN');
  });
});
