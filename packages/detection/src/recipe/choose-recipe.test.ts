import type { DatasetRecord } from '@hookline/images';
import {
  chooseSchedule,
  LEAST_SIDE,
  type RecipeSizes,
  recipeSizes,
  relativeCost,
  type ScheduleOptions,
  sidesAt,
  softmaxWeight,
} from './choose-recipe.ts';
import { statisticsOf } from './data-statistics.ts';

/** Images of one size with objects of the given sides, in pixels. */
const records = (width: number, height: number, sides: readonly number[], count = 40): DatasetRecord[] =>
  Array.from({ length: count }, (_, imageId) => ({
    file: `${imageId}.jpg`,
    width,
    height,
    imageId,
    annotations: sides.map((side, id) => ({
      id,
      box: [0, 0, side, side] as const,
      category: 0,
      iscrowd: 0 as const,
      area: side * side,
    })),
  }));

const best = (data: readonly DatasetRecord[]): RecipeSizes => recipeSizes(statisticsOf(data, 3))[0] as RecipeSizes;

describe('statistics of a data set', () => {
  it('measure objects relative to their image, and leave out crowds', () => {
    const data = records(200, 100, [10, 20, 40]);
    const [first] = data;
    const crowd = { ...first!.annotations[0]!, box: [0, 0, 100, 100] as const, iscrowd: 1 as const };
    const statistics = statisticsOf([{ ...first!, annotations: [...first!.annotations, crowd] }], 2);
    expect(statistics).toMatchObject({ images: 1, classes: 2, objects: 3, longerSide: 200, width: 1, height: 0.5 });
    expect(statistics.sides).toEqual([0.05, 0.1, 0.2]);
  });

  it('need an object', () => {
    expect(() => statisticsOf(records(200, 100, []), 2)).toThrow('[HKL_DATA_EMPTY] budget.minutes: no training image');
  });

  it('use the class with the smallest objects as small, if it has enough of them', () => {
    const data = records(200, 100, [40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40]);
    const withTiny = (count: number) =>
      data.map((record, place) => {
        const [first] = record.annotations;
        const tiny = { ...first!, box: [0, 0, 4, 4] as const, category: 1 };
        return place < count ? { ...record, annotations: [...record.annotations, tiny] } : record;
      });
    expect(statisticsOf(withTiny(12), 2).sides).toEqual([0.02, 0.2, 0.2]);
    expect(statisticsOf(withTiny(5), 2).sides).toEqual([0.2, 0.2, 0.2]);
  });

  it('treat images of both orientations as a square', () => {
    const both = [...records(200, 100, [10]), ...records(100, 200, [10])];
    expect(statisticsOf(both, 1)).toMatchObject({ width: 1, height: 1 });
  });
});

describe('sizes for data', () => {
  it('make small objects in large photos large enough, with windows', () => {
    const sizes = best(records(800, 600, [36, 40, 44]));
    expect(sizes).toEqual({ width: 640, height: 480, window: 160, channels: 32 });
  });

  it('use whole images when objects are large', () => {
    const sizes = best(records(640, 480, [100, 110, 200]));
    expect(sizes).toEqual({ width: 144, height: 112, window: 0, channels: 32 });
  });

  it('grow for the smallest objects if these would vanish, but never beyond the images', () => {
    const mixed = records(1000, 1000, [10, 300, 300]);
    expect(sidesAt(best(mixed), statisticsOf(mixed, 1))[0]).toBeGreaterThanOrEqual(LEAST_SIDE);
    const tiny = best(records(320, 240, [4, 5, 6]));
    expect(tiny).toMatchObject({ width: 320, height: 240 });
    const huge = best(records(8000, 6000, [20, 20, 20]));
    expect(huge.width * huge.height).toBeLessThan(1.1 * 2 ** 20);
  });

  it('decrease from one candidate to the next, and keep what the user has set', () => {
    const statistics = statisticsOf(records(800, 600, [36, 40, 44]), 3);
    const sizes = recipeSizes(statistics);
    for (const [place, each] of sizes.slice(1).entries()) expect(relativeCost(each, sizes[place]!)).toBeLessThan(1.001);
    expect(recipeSizes(statistics, { width: 96, height: 64, channels: 8 })).toEqual([
      { width: 96, height: 64, window: 0, channels: 8 },
    ]);
    expect(recipeSizes(statistics, { window: 0 }).every(({ window }) => window === 0)).toBe(true);
  });
});

it('the softmax loss between classes is weighted by the entropy of the classes', () => {
  expect(softmaxWeight({ entropy: Math.log(6) })).toBe(1);
  expect(softmaxWeight({ entropy: Math.log(80) })).toBe(1);
  expect(softmaxWeight(statisticsOf(records(200, 100, [10]), 3))).toBe(0);
  const two = records(200, 100, [10, 10]).map((record) => ({
    ...record,
    annotations: record.annotations.map((each, category) => ({ ...each, category })),
  }));
  expect(statisticsOf(two, 2).entropy).toBeCloseTo(Math.log(2), 9);
  expect(softmaxWeight(statisticsOf(two, 2))).toBe(0.4);
});

describe('the schedule for a budget', () => {
  const SIZES: RecipeSizes = { width: 320, height: 320, window: 160, channels: 32 };
  const OPTIONS: ScheduleOptions = {
    minutes: 8,
    stepSeconds: 0.2,
    batchSize: 16,
    images: 300,
    testImages: 80,
    views: 5,
  };
  /** Seconds that a schedule takes, with evaluations at the cost that is documented. */
  const secondsOf = (options: ScheduleOptions): number => {
    const { iterations, period } = chooseSchedule(SIZES, options);
    const evaluation = options.testImages * (options.stepSeconds / (16 * 160 * 160)) * 320 * 320 * 0.4;
    return iterations * options.stepSeconds + (Math.ceil(iterations / period) + options.views) * evaluation;
  };

  it('fills it with steps and evaluations', () => {
    for (const minutes of [2, 8, 30]) {
      const seconds = secondsOf({ ...OPTIONS, minutes });
      expect(seconds).toBeLessThanOrEqual(minutes * 60);
      expect(seconds).toBeGreaterThan(minutes * 60 * 0.85);
    }
    expect(chooseSchedule(SIZES, { ...OPTIONS, testImages: 0 }).iterations).toBe(2256);
  });

  it('evaluates less often when evaluations would take most of the time', () => {
    const many = chooseSchedule(SIZES, { ...OPTIONS, testImages: 900, minutes: 6 });
    expect(Math.ceil(many.iterations / many.period)).toBeLessThan(4);
    expect(secondsOf({ ...OPTIONS, testImages: 900, minutes: 6 })).toBeLessThanOrEqual(360);
  });

  it('limits the number of times that few images are seen', () => {
    expect(chooseSchedule(SIZES, { ...OPTIONS, images: 10 }).iterations).toBe(938);
  });

  it('refuses a budget in which nothing can be learned, and says how much is needed', () => {
    expect(() => chooseSchedule(SIZES, { ...OPTIONS, minutes: 0.1 })).toThrow(
      /HKL_BUDGET.*budget\.minutes: in 0\.1 minutes.*0\.20 s.*at least 1/s,
    );
    expect(() => chooseSchedule(SIZES, { ...OPTIONS, minutes: 2, spent: 118 })).toThrow(
      /in 2 minutes nothing can be learned: timing the steps took 118 s.*at least 3/s,
    );
  });
});
