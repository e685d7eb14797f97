import { type Schedule } from '../schedule.ts';
import { scheduleFactor } from '../schedule-factor.ts';
import { composite } from './composite.ts';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { linear } from './linear.ts';
import { multiStep } from './multi-step.ts';

const of = (options: Omit<Parameters<typeof composite<Schedule>>[0], never>, n: number) =>
  scheduleFactor(composite<Schedule>(options), n);

describe('composite', () => {
  it('asks rescaled schedules with (w − start) / length', () => {
    const factor = of({ schedules: [linear({ start: 0, end: 1 }), cosine({ end: 0.1 })], lengths: [0.2, 0.8] }, 100);
    expect(factor(0)).toBe(0);
    expect(factor(10)).toBeCloseTo(0.5, 12);
    expect(factor(19)).toBeCloseTo(0.95, 12);
    expect(factor(20)).toBe(1);
    expect(factor(60)).toBeCloseTo(0.55, 12);
    expect(factor(100)).toBeCloseTo(0.1, 12);
  });

  it('asks fixed schedules as if they had the whole run', () => {
    const schedules = [constant(0.5), linear({ start: 1, end: 0 })];
    const factor = of({ schedules, lengths: [0.5, 0.5], scaling: ['rescaled', 'fixed'] }, 10);
    expect([0, 4, 5, 8, 10].map((i) => Number(factor(i).toFixed(12)))).toEqual([0.5, 0.5, 0.5, 0.2, 0]);
  });

  it('changes at the iteration, whatever the shares are in floating point', () => {
    const factor = of({ schedules: [constant(1), constant(2), constant(3)], lengths: [0.1, 0.2, 0.7] }, 100);
    expect([9, 10, 29, 30].map(factor)).toEqual([1, 2, 2, 3]);
  });

  it('nests', () => {
    const inner = composite<Schedule>({ schedules: [constant(1), constant(2)], lengths: [0.5, 0.5] });
    const factor = of({ schedules: [constant(0), inner], lengths: [0.6, 0.4] }, 10);
    expect([5, 6, 7, 8, 9].map(factor)).toEqual([0, 1, 1, 2, 2]);
  });

  it('squeezes the milestones of a rescaled schedule', () => {
    const factor = of({ schedules: [constant(9), multiStep({ milestones: [50] })], lengths: [0.5, 0.5] }, 100);
    expect([49, 50, 74, 75].map(factor)).toEqual([9, 1, 1, 0.1]);
  });

  it.each([
    [{ lengths: [0.5, 0.4] }, 'lengths: must sum to 1, not 0.9'],
    [{ lengths: [1] }, 'lengths: 2 schedules need 2 lengths, not 1'],
    [{ lengths: [0.5, 0.5], scaling: ['fixed' as const] }, 'scaling: 2 schedules need 2 entries, not 1'],
  ])('refuses %j', (options, message) =>
    expect(() => of({ schedules: [constant(), linear()], ...options }, 10)).toThrow(message),
  );

  it('allows lengths that miss 1 by rounding', () => {
    const schedules = [constant(1), constant(2), constant(3)];
    expect(of({ schedules, lengths: [0.3333, 0.3333, 0.3333] }, 10)(10)).toBe(3);
  });
});
