import { normalQuantile } from './normal-quantile.ts';

describe('normalQuantile', () => {
  // Made with mpmath at 40 digits: sqrt(2) * erfinv(2p - 1).
  it.each([
    [1e-300, -37.0470962993612],
    [1e-20, -9.262340089798407],
    [1e-12, -7.034483825301132],
    [1e-5, -4.264890793922825],
    [0.01, -2.326347874040841],
    [0.07, -1.4757910281791706],
    [0.08, -1.4050715603096327],
    [0.3, -0.5244005127080408],
    [0.6, 0.2533471031357997],
    [0.975, 1.9599639845400538],
    [0.9999, 3.7190164854557084],
  ])('at %d is %d', (p, expected) => {
    expect(Math.abs(normalQuantile(p) / expected - 1)).toBeLessThan(2e-15);
  });

  it('is zero in the middle and odd around it', () => {
    expect(normalQuantile(0.5)).toBe(0);
    for (const p of [0.25, 0.0625, 2 ** -20]) expect(normalQuantile(1 - p)).toBe(-normalQuantile(p));
  });
});
