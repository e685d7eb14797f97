import { detectionConfig } from '../config/detection-config.ts';
import { type RecipeSizes, recipeSizes, relativeCost } from './choose-recipe.ts';
import type { DataStatistics } from './data-statistics.ts';
import { findRecipe } from './find-recipe.ts';

/** Symbols of 40 pixels in photos of 800x600. */
const STATISTICS: DataStatistics = {
  ...{ images: 300, classes: 6, objects: 1300, entropy: Math.log(6), longerSide: 800, width: 1, height: 0.75 },
  sides: [0.045, 0.05, 0.055],
};
const [BEST] = recipeSizes(STATISTICS) as [RecipeSizes];

/** The recipe on a machine on which a step with the best sizes takes the given number of seconds. */
async function find(stepSeconds: number, ...set: string[]) {
  return findFor(STATISTICS, stepSeconds, set);
}

async function findFor(statistics: DataStatistics, stepSeconds: number, set: readonly string[] = []) {
  const config = detectionConfig().resolve(['budget.minutes=8', ...set]);
  const timed: RecipeSizes[] = [];
  const found = await findRecipe({
    config,
    isWritten: (key) => set.some((each) => each.startsWith(`${key}=`)),
    statistics,
    testImages: 80,
    views: 5,
    memory: 2e9,
    now: () => 20 * timed.length,
    time: (sizes) => {
      timed.push(sizes);
      return Promise.resolve(stepSeconds * relativeCost(sizes, BEST));
    },
  });
  return { ...found, timed, text: found.reasons.join('\n') };
}

it('chooses the best sizes when there is time for enough steps, and says why', async () => {
  const { values, timed, text } = await find(0.2);
  expect(timed).toEqual([BEST]);
  expect(values).toMatchObject({
    input: { width: BEST.width, height: BEST.height, window: BEST.window },
    model: { width: 32, softmaxWeight: 1 },
  });
  const { maxIterations = 0, warmupIterations } = values.solver ?? {};
  // 8 minutes minus 40 seconds for timing steps and for capturing the training step, and minus the evaluations.
  expect(maxIterations * 0.2).toBeGreaterThan(340);
  expect(maxIterations * 0.2).toBeLessThan(420);
  expect(warmupIterations).toBe(100);
  expect(values.checkpoint?.period).toBe(values.test?.evalPeriod);
  expect(text).toContain('300 images with 1300 objects of 6 classes, 8 minutes');
  expect(text).toContain(`input ${BEST.width}x${BEST.height}: half of the objects are 32 pixels wide or more`);
  expect(text).toContain(`windows of ${BEST.window}x${BEST.window}`);
  expect(text).toContain('200 ms');
  expect(text).toContain(`${maxIterations} iterations`);
});

it('chooses smaller sizes on a slower machine, and says when even the smallest leave too little time', async () => {
  const slow = await find(1);
  expect(slow.timed.length).toBe(2);
  expect(slow.values.solver?.maxIterations).toBeGreaterThan(450);
  expect(relativeCost(slow.timed[1]!, BEST)).toBeLessThan(0.95);
  const slower = await find(6);
  expect(slower.values.model?.width).toBe(16);
  expect(slower.text).toContain('too few to learn well');
  await expect(find(60)).rejects.toThrow(/HKL_BUDGET/);
});

it('caches decoded images only when they fit in memory', async () => {
  const many = await findFor({ ...STATISTICS, images: 5000 }, 0.2);
  expect(many.values.dataloader).toEqual({ cache: false });
  expect(many.text).toContain('GB (dataloader.cache)');
  expect((await find(0.2)).values.dataloader).toEqual({ cache: true });
});

it('does not change keys that the user has set', async () => {
  const set = [
    'input.width=96',
    'input.height=64',
    'model.width=8',
    'solver.maxIterations=40',
    'model.softmaxWeight=0.5',
  ];
  const { values, timed, text } = await find(60, ...set);
  expect(text).not.toContain('softmaxWeight');
  expect(values).toEqual({ input: { window: 0 }, dataloader: { cache: true } });
  expect(timed).toEqual([]);
  expect(text).toContain('input 96x64, as set');
  expect(text).toContain('below 10 the network sees too little of them');
  expect(text).toContain('40 iterations, as set');
});
