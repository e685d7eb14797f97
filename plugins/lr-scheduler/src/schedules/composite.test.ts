import { type Schedule } from '../schedule.ts';
import { scheduleFactor } from '../schedule-factor.ts';
import { composite } from './composite.ts';
import { constant } from './constant.ts';
import { cosine } from './cosine.ts';
import { linear } from './linear.ts';
import { custom } from './custom.ts';
import { multiStep } from './multi-step.ts';
import { warmupCosine } from './warmup-cosine.ts';
import { warmupMultiStep } from './warmup-multi-step.ts';
import { warmupPoly } from './warmup-poly.ts';
import { warmup } from './warmup.ts';

const of = (options: Omit<Parameters<typeof composite<Schedule>>[0], never>, n: number) =>
  scheduleFactor(composite<Schedule>(options), n);

describe('composite', () => {
  it('evaluates rescaled schedules at (w − start) / length', () => {
    const factor = of({ schedules: [linear({ start: 0, end: 1 }), cosine({ end: 0.1 })], lengths: [0.2, 0.8] }, 100);
    expect(factor(0)).toBe(0);
    expect(factor(10)).toBeCloseTo(0.5, 12);
    expect(factor(19)).toBeCloseTo(0.95, 12);
    expect(factor(20)).toBe(1);
    expect(factor(60)).toBeCloseTo(0.55, 12);
    expect(factor(100)).toBeCloseTo(0.1, 12);
  });

  it('evaluates fixed schedules as if they had the whole run', () => {
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

  const whole: readonly (readonly [string, Schedule])[] = [
    ['a warm-up', warmup(linear(), { iterations: 30, factor: 0.1 })],
    ['a warm-up longer than the part', warmup(constant(), { iterations: 70, factor: 0.1 })],
    ['a warm-up longer than the run', warmup(multiStep({ milestones: [60] }), { iterations: 1000, factor: 0.1 })],
    ['a rescaled warm-up', warmup(multiStep({ milestones: [40] }), { iterations: 20, rescale: true })],
    ['a constant warm-up', warmup(cosine(), { iterations: 30, method: 'constant' })],
    ['a share that is a warm-up', warmup(cosine(), { fraction: 0.3 })],
    ['milestones', multiStep({ milestones: [20, 70] })],
    ['WarmupMultiStepLR', warmupMultiStep({ milestones: [40, 80], warmupIterations: 20 })],
    ['WarmupMultiStepLR, longer than the run', warmupMultiStep({ milestones: [40], warmupIterations: 1000 })],
    ['WarmupCosineLR', warmupCosine({ warmupIterations: 24 })],
    ['WarmupPolyLR', warmupPoly({ warmupIterations: 24, constantEnding: 0.2 })],
    ['a function', custom(({ iteration, maxIterations }) => iteration / maxIterations)],
  ];
  it.each(whole)('rescaled, is what the schedule is alone, in half the time: %s', (_, schedule) => {
    const alone = scheduleFactor(schedule, 100);
    const half = of({ schedules: [constant(9), schedule], lengths: [0.5, 0.5] }, 100);
    for (let i = 0; i <= 50; i++) expect(half(50 + i)).toBeCloseTo(alone(2 * i), 10);
  });

  it.each(whole)('of one schedule, or fixed, is that schedule: %s', (_, schedule) => {
    const alone = scheduleFactor(schedule, 100);
    const one = of({ schedules: [schedule], lengths: [1] }, 100);
    const fixed = of({ schedules: [constant(9), schedule], lengths: [0.5, 0.5], scaling: ['rescaled', 'fixed'] }, 100);
    for (let i = 0; i <= 100; i++) expect(one(i)).toBe(alone(i));
    for (let i = 50; i <= 100; i++) expect(fixed(i)).toBe(alone(i));
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
