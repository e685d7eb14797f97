import { linearAxis, logAxis, niceStep, tickLabel } from './axis.ts';

const labels = (axis: ReturnType<typeof linearAxis>) => axis.ticks.map(({ label }) => label);

describe('axes', () => {
  it('take round steps', () => {
    expect([0.11, 0.2, 0.3, 0.7, 1, 3.4, 42].map(niceStep)).toEqual([0.2, 0.2, 0.5, 1, 1, 5, 50]);
  });

  it('label values with the decimals of the step', () => {
    expect(labels(linearAxis(0.13, 0.87, 5))).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1.0']);
    expect(labels(linearAxis(0, 1999, 4, true))).toEqual(['0', '500', '1000', '1500']);
    expect(labels(linearAxis(0, 90_000, 5, true))).toEqual(['0', '20k', '40k', '60k', '80k']);
    expect(tickLabel(2.5e6, 5e5)).toBe('2.5M');
    expect(tickLabel(5e-5, 1e-5)).toBe('5e-5');
  });

  it('give room to a constant', () => {
    const axis = linearAxis(3, 3, 4);
    expect(axis.position(3)).toBeGreaterThan(0);
    expect(axis.position(3)).toBeLessThan(1);
  });

  it('go no further than a share or an AP can', () => {
    expect(labels(linearAxis(0.97, 0.97, 4)).at(-1)).toBe('1.00');
    expect(labels(linearAxis(98, 98, 4)).at(-1)).toBe('100');
    expect(labels(linearAxis(0, 0, 4))[0]).toBe('0');
  });

  it('place values by logarithms and keep ticks apart', () => {
    const axis = logAxis(0.01, 1);
    expect(axis.position(0.1)).toBeCloseTo(0.5, 12);
    expect(labels(axis)).toEqual(['0.01', '0.02', '0.05', '0.1', '0.2', '0.5', '1']);
    expect(labels(logAxis(1e-12, 1)).length).toBeLessThanOrEqual(8);
  });
});
