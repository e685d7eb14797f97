import { scheduleFactor } from '../schedule-factor.ts';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { linear } from './linear.ts';
import { multiStep } from './multi-step.ts';
import { warmup } from './warmup.ts';

describe('warmup', () => {
  it("gives the learning rates of detectron2's 1x schedule", () => {
    const factor = scheduleFactor(warmup(multiStep({ milestones: [60_000, 80_000], gamma: 0.1 })), 90_000);
    const rate = (i: number): number => 0.02 * factor(i);
    expect(rate(0)).toBeCloseTo(2e-5, 12);
    expect(rate(1)).toBeCloseTo(3.998e-5, 12);
    expect(rate(500)).toBeCloseTo(0.01001, 12);
    expect(rate(999)).toBeLessThan(0.02);
    expect(rate(1000)).toBe(0.02);
    expect(rate(59_999)).toBe(0.02);
    expect(rate(60_000)).toBeCloseTo(0.002, 12);
    expect(rate(80_000)).toBeCloseTo(0.0002, 12);
    expect(rate(90_000)).toBeCloseTo(0.0002, 12);
  });

  it('rises to where the schedule is after the warm-up, which then runs on: S(L), S(w)', () => {
    const factor = scheduleFactor(warmup(linear(), { iterations: 4, factor: 0.5 }), 10);
    expect(factor(0)).toBe(0.5);
    expect(factor(2)).toBeCloseTo(0.55, 12);
    expect(factor(4)).toBeCloseTo(0.6, 12);
    expect(factor(10)).toBe(0);
  });

  it('rescaled, rises to S(0) and squeezes the schedule into what is left', () => {
    const factor = scheduleFactor(warmup(cosine(), { fraction: 0.2, factor: 0, rescale: true }), 10);
    expect([0, 1, 2].map(factor)).toEqual([0, 0.5, 1]);
    expect(factor(6)).toBeCloseTo(0.5, 12);
    expect(factor(10)).toBeCloseTo(0, 12);
  });

  it('rescaled, squeezes milestones as well', () => {
    const factor = scheduleFactor(warmup(multiStep({ milestones: [50] }), { iterations: 20, rescale: true }), 100);
    expect([59, 60].map(factor)).toEqual([1, 0.1]);
  });

  it('constant, stays low', () => {
    const factor = scheduleFactor(warmup(constant(2), { iterations: 3, factor: 0.1, method: 'constant' }), 5);
    expect([0, 2, 3].map(factor)).toEqual([0.2, 0.2, 2]);
  });

  it('takes no longer than the run', () => {
    const factor = scheduleFactor(warmup(constant(), { iterations: 1000, factor: 0 }), 10);
    expect([0, 5, 10].map(factor)).toEqual([0, 0.5, 1]);
  });

  it('of no length is none', () => expect(scheduleFactor(warmup(constant(), { iterations: 0 }), 10)(0)).toBe(1));

  it('refuses two lengths', () =>
    expect(() => scheduleFactor(warmup(constant(), { iterations: 3, fraction: 0.1 }), 10)).toThrow(
      'fraction: give either iterations or fraction',
    ));
});
