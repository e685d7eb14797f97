import { scheduleFactor } from '../schedule-factor.ts';
import { multiStep } from './multi-step.ts';

describe('multiStep', () => {
  it('changes at its milestones: values[bisect_right(milestones, i)]', () => {
    const factor = scheduleFactor(multiStep({ milestones: [3, 5], values: [1, 0.3, 0.2] }), 10);
    expect([0, 2, 3, 4, 5, 9, 10].map(factor)).toEqual([1, 1, 0.3, 0.3, 0.2, 0.2, 0.2]);
  });

  it('has powers of gamma for values, 0.1 by default', () => {
    const factor = scheduleFactor(multiStep({ milestones: [1, 2], gamma: 0.5 }), 3);
    expect([0, 1, 2].map(factor)).toEqual([1, 0.5, 0.25]);
    expect(scheduleFactor(multiStep({ milestones: [1] }), 3)(1)).toBe(0.1);
  });

  it('counts milestones in updates where these are given', () => {
    const factor = scheduleFactor(multiStep({ milestones: [30, 60], updates: 90, gamma: 0.1 }), 900);
    expect([299, 300, 599, 600].map(factor)).toEqual([1, 0.1, 0.1, 0.1 ** 2]);
  });

  it('without milestones makes steps of ⌈U / len⌉', () => {
    const factor = scheduleFactor(multiStep({ values: [3, 2, 1] }), 10);
    expect(Array.from({ length: 11 }, (_, i) => factor(i))).toEqual([3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1]);
  });

  it('is exact in runs of a million iterations and more', () => {
    const factor = scheduleFactor(multiStep({ milestones: [6_000_000, 9_000_000] }), 10_000_000);
    expect([5_999_990, 5_999_999, 6_000_000, 8_999_999].map(factor)).toEqual([1, 1, 0.1, 0.1]);
  });

  it('takes a milestone at the end of the run', () => {
    const factor = scheduleFactor(multiStep({ milestones: [10] }), 10);
    expect([9, 10].map(factor)).toEqual([1, 0.1]);
  });

  it.each([
    [{ milestones: [5, 5] }, 'milestones: must rise'],
    [{ milestones: [5], values: [1] }, 'values: 1 milestones need 2 values, not 1'],
    [{ values: [1, 2], gamma: 0.5 }, 'gamma: give either values or gamma'],
    [{}, 'milestones: give milestones, values or both'],
  ])('refuses %j', (options, message) => expect(() => scheduleFactor(multiStep(options), 10)).toThrow(message));
});
