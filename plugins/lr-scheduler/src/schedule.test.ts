import { scheduleFactor } from './schedule-factor.ts';
import { scheduleFromConfig } from './schedule-from-config.ts';
import { scheduleWarnings } from './schedule-warnings.ts';
import { inIterations } from './in-iterations.ts';
import { scheduleSchema } from './schedule.ts';
import { cosine } from './schedules/cosine.ts';
import { custom } from './schedules/custom.ts';
import { multiStep } from './schedules/multi-step.ts';
import { warmup } from './schedules/warmup.ts';
import { warmupPoly } from './schedules/warmup-poly.ts';

describe('schedules', () => {
  it('are plain data: writing and reading them as JSON changes nothing', () => {
    const schedule = warmup(multiStep({ milestones: [4], values: [1, 0.5] }), { iterations: 2 });
    const copy = JSON.parse(JSON.stringify(schedule));
    expect(copy).toEqual(schedule);
    expect([0, 1, 3, 4].map(scheduleFactor(copy, 10))).toEqual([0, 1, 3, 4].map(scheduleFactor(schedule, 10)));
  });

  it('count in epochs where milestones or a warm-up say so', () => {
    const schedule = warmup(multiStep({ milestones: [{ epochs: 1.5 }, { epochs: 2 }], gamma: 0.5 }), {
      iterations: { epochs: 0.5 },
      factor: 0,
    });
    expect([0, 2, 5, 14, 15, 20].map(scheduleFactor(schedule, 30, 10))).toEqual([0, 0.4, 1, 1, 0.5, 0.25]);
    expect(() => scheduleFactor(schedule, 30)).toThrow('[HKL_EPOCH_UNKNOWN] scheduleFactor: the schedule counts in');
    expect(() => scheduleFactor(multiStep({ milestones: [4, { epochs: 2 }] }), 30)).toThrow(/all in epochs/);
    expect(() => scheduleFactor(multiStep({ milestones: [{ epochs: 2 }, { epochs: 1 }] }), 30)).toThrow(/must rise/);
  });

  it('can be a function', () => {
    expect(
      scheduleFactor(
        custom(({ iteration, maxIterations }) => iteration / maxIterations),
        4,
      )(3),
    ).toBe(0.75);
  });

  it.each([
    [{ type: 'cosin' }, /there is no schedule "cosin". Did you mean "cosine"\? Known: composite, /],
    [{}, /a schedule needs a type. Known: composite, constant/],
    ['cosine', /give a schedule, such as cosine\(\)/],
    [{ type: 'cosine', ende: 0 }, /ende/],
    [{ type: 'linear', start: Number.NaN }, /start/],
    [{ type: 'warmup', schedule: { type: 'cosin' } }, /schedule.type: there is no schedule "cosin"/],
    [{ type: 'exponential' }, /decay/],
  ])('refuse %j', (schedule, message) => expect(() => scheduleFactor(schedule as never, 10)).toThrow(message));
});

describe('scheduleFromConfig', () => {
  const rates = (config: Parameters<typeof scheduleFromConfig>[0], at: number[], n: number) =>
    at.map((i) => Number(scheduleFactor(scheduleFromConfig(config), n)(i).toPrecision(8)));

  it('builds what detectron2 builds by these names', () => {
    const quick = { warmupIterations: 10, warmupFactor: 0.1 };
    expect(rates({ lrSchedule: 'WarmupMultiStepLR', steps: [50, 80], ...quick }, [0, 5, 10, 50, 80], 100)).toEqual([
      0.1, 0.55, 1, 0.1, 0.01,
    ]);
    expect(rates({ lrSchedule: 'WarmupMultiStepLR', steps: [100], ...quick }, [99], 100)).toEqual([1]);
    const half = { lrSchedule: 'WarmupCosineLR', baseLr: 0.02, baseLrEnd: 0.01, ...quick } as const;
    expect(rates(half, [50, 100], 100)).toEqual([0.75, 0.5]);
    expect(rates({ lrSchedule: 'WarmupStepWithFixedGammaLR', ...quick }, [10, 25, 50, 75], 100)).toEqual([
      1, 0.1, 0.01, 0.001,
    ]);
    expect(rates({ lrSchedule: 'WarmupPolyLR', polyPower: 1, ...quick }, [0, 50], 100)).toEqual([0.1, 0.5]);
    expect(rates({ lrSchedule: 'constant' }, [0, 50], 100)).toEqual([1, 1]);
  });

  it('refuses an end above the beginning', () =>
    expect(() => scheduleFromConfig({ lrSchedule: 'WarmupCosineLR', baseLr: 1, baseLrEnd: 2 })).toThrow(
      /\[HKL_SCHEDULE_INVALID\] WarmupCosineLR: baseLrEnd is 2 and baseLr is 1/,
    ));
});

describe('scheduleWarnings', () => {
  const warnings = (schedule: Parameters<typeof scheduleSchema.parse>[0], n: number) =>
    scheduleWarnings(
      inIterations(scheduleSchema.parse(schedule), (moment) => moment as number),
      n,
    );

  it('tells what the run will never reach', () => {
    expect(warnings(warmup(multiStep({ milestones: [60, 100, 120] })), 100)).toEqual([
      expect.stringContaining(
        'the warm-up of 1000 iterations is longer than the run of 100: it is shortened to the run',
      ),
      'the run ends at 100 and never reaches the milestones 100, 120',
    ]);
    expect(warnings(warmupPoly(), 500)).toHaveLength(1);
    expect(warnings(warmup(cosine(), { iterations: 10 }), 100)).toEqual([]);
    expect(warnings(warmup(cosine(), { fraction: 1 }), 100)).toEqual([]);
  });
});
