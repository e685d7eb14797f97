import { figure, median } from './figure.ts';

describe('figure', () => {
  it('takes the middle of an odd number of samples, whatever their order', () => {
    expect(figure([10, 2, 9], 'ms')).toEqual({ median: 9, min: 2, max: 10, unit: 'ms', runs: 3 });
  });

  it('takes the mean of the two middle ones of an even number', () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  it('sorts numbers as numbers', () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  it('refuses no samples, and a sample that is no number', () => {
    expect(() => figure([], 'ms')).toThrow('at least one sample');
    expect(() => figure([1, Number.NaN], 'ms')).toThrow('a sample is NaN');
  });
});
