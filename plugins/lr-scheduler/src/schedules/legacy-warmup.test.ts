import { scheduleFactor } from '../schedule-factor.ts';
import { warmupCosine } from './warmup-cosine.ts';
import { warmupMultiStep } from './warmup-multi-step.ts';
import { warmupPoly } from './warmup-poly.ts';

describe('the WarmupXxxLR schedules', () => {
  it('warmupMultiStep: a(i)·γ^bisect_right(milestones, i), with the rates of the 1x schedule', () => {
    const factor = scheduleFactor(warmupMultiStep({ milestones: [60_000, 80_000] }), 90_000);
    const expected: [number, number][] = [
      [0, 2e-5],
      [1, 3.998e-5],
      [500, 0.01001],
      [1000, 0.02],
      [60_000, 0.002],
      [80_000, 0.0002],
    ];
    for (const [i, rate] of expected) expect(0.02 * factor(i)).toBeCloseTo(rate, 12);
  });

  it('warmupCosine: a(i)·½(1 + cos πi/N)', () => {
    const factor = scheduleFactor(warmupCosine({ warmupIterations: 10, warmupFactor: 0.1 }), 100);
    expect(factor(0)).toBeCloseTo(0.1, 12);
    expect(factor(5)).toBeCloseTo(0.55 * 0.5 * (1 + Math.cos(Math.PI * 0.05)), 12);
    expect(factor(50)).toBeCloseTo(0.5, 12);
    expect(factor(100)).toBeCloseTo(0, 12);
  });

  it('warmupPoly: a(i)·(1 − i/N)^p, with the reference rates of base 0.01 and N = 10000', () => {
    const factor = scheduleFactor(warmupPoly(), 10_000);
    const expected: [number, number][] = [
      [0, 1e-5],
      [500, 0.0047792013],
      [1000, 0.0090953258],
      [5000, 0.0053588673],
      [9999, 2.5119e-6],
    ];
    for (const [i, rate] of expected) expect(0.01 * factor(i)).toBeCloseTo(rate, 10);
  });

  it('warmupPoly: does not fall below its constant ending, which the warm-up ignores', () => {
    const factor = scheduleFactor(warmupPoly({ power: 1, constantEnding: 0.4, warmupIterations: 2 }), 10);
    expect(factor(0)).toBeCloseTo(0.001, 12);
    expect([5, 6, 8, 10].map(factor)).toEqual([0.5, 0.4, 0.4, 0.4]);
  });

  it('stays at the factor with the constant method', () => {
    const factor = scheduleFactor(
      warmupMultiStep({ milestones: [5], warmupIterations: 3, warmupFactor: 0.2, warmupMethod: 'constant' }),
      10,
    );
    expect([0, 2, 3, 5].map(factor)).toEqual([0.2, 0.2, 1, 0.1]);
  });
});
