import { formatGeneral } from './format-number.ts';

describe('formatGeneral', () => {
  // The right-hand sides are what C's printf gives.
  it.each([
    [0.5, 4, '0.5'],
    [0.123456, 4, '0.1235'],
    [123456, 4, '1.235e+05'],
    [1234, 4, '1234'],
    [9999.6, 4, '1e+04'],
    [0.00012345, 4, '0.0001234'],
    [0.000012345, 4, '1.234e-05'],
    [1e-5, 5, '1e-05'],
    [0.02, 5, '0.02'],
    [-3.14159, 3, '-3.14'],
    [0, 4, '0'],
    [Number.NaN, 4, 'nan'],
    [-Infinity, 4, '-inf'],
  ])('prints %p with %p digits as %p', (value, digits, text) => {
    expect(formatGeneral(value, digits)).toBe(text);
  });
});
