import type { Logger } from '@hookline/core';
import type { ConfigValues } from '@hookline/trainer';
import type { DetectionConfig } from '../config/detection-config.ts';
import {
  chooseSchedule,
  ENOUGH_ITERATIONS,
  LEAST_SIDE,
  type RecipeSchedule,
  type RecipeSizes,
  recipeSizes,
  relativeCost,
  sidesAt,
  softmaxWeight,
} from './choose-recipe.ts';
import type { DataStatistics } from './data-statistics.ts';

/** Input of {@link findRecipe}. */
export interface RecipeQuestion {
  readonly config: DetectionConfig;
  /** Whether the user has set a key of the config; its value is then kept. */
  readonly isWritten: (key: string) => boolean;
  readonly statistics: DataStatistics;
  /** Number of images in all test data sets. */
  readonly testImages: number;
  /** Views per test image with test-time augmentation, weighted by their pixels; 0 without it. */
  readonly views: number;
  /** Maximum number of bytes for the cache of decoded training images. */
  readonly memory: number;
  /** Measures the duration of a step with given sizes, in seconds. */
  readonly time: (sizes: RecipeSizes) => Promise<number>;
  /** A clock in seconds. The time spent on timing is subtracted from the budget. */
  readonly now: () => number;
}

/** Config values that a recipe sets. */
export type RecipeValues = ConfigValues<
  Pick<DetectionConfig, 'input' | 'dataloader' | 'model' | 'solver' | 'test' | 'checkpoint'>
>;

/**
 * Chooses sizes and schedule for the data and the budget: the best sizes that leave time for enough steps, judged by timing a
 * few steps on this machine.
 *
 * @returns values for the keys that the user has not set, and log lines that say what was chosen and why
 * @throws HooklineError `HKL_BUDGET` when the budget is too short to learn anything
 */
export async function findRecipe(question: RecipeQuestion): Promise<{ values: RecipeValues; reasons: string[] }> {
  const { config, isWritten, statistics, testImages, views, time, now } = question;
  const { budget, solver } = config;
  const candidates = recipeSizes(statistics, fixedSizes(config, isWritten));
  const options = {
    minutes: budget.minutes,
    batchSize: solver.batchSize,
    images: statistics.images,
    testImages,
    views,
  };
  const answer = (sizes: RecipeSizes, timed?: TimedSchedule) => ({
    values: valuesOf(question, sizes, timed),
    reasons: reasonsFor(question, sizes, timed),
  });
  // The number of steps is fixed, so the duration of a step does not matter.
  if (isWritten('solver.maxIterations') || solver.maxEpochs > 0) return answer(candidates[0] as RecipeSizes);
  const begun = now();
  for (let place = 0; ;) {
    const sizes = candidates[place] as RecipeSizes;
    const before = now();
    const stepSeconds = await time(sizes);
    // The training builds and captures its step too, which takes about as long as this timing did.
    const spent = now() - begun + (now() - before);
    const isLast = place === candidates.length - 1;
    const schedule = attempt(() => chooseSchedule(sizes, { ...options, spent, stepSeconds }), isLast);
    if (schedule !== undefined && (isLast || schedule.iterations >= ENOUGH_ITERATIONS))
      return answer(sizes, { ...schedule, stepSeconds });
    // The next sizes to time are the first ones that should leave enough time.
    const rest = candidates.slice(place + 1);
    const fast = rest.findIndex(
      (each) => (schedule?.iterations ?? 0) >= ENOUGH_ITERATIONS * relativeCost(each, sizes) * 0.9,
    );
    place += fast < 0 ? rest.length : fast + 1;
  }
}

interface TimedSchedule extends RecipeSchedule {
  readonly stepSeconds: number;
}

/** Calls `make`. An error is rethrown if it `matters`; otherwise the result is undefined. */
function attempt<T>(make: () => T, matters: boolean): T | undefined {
  try {
    return make();
  } catch (error) {
    if (matters) throw error;
    return undefined;
  }
}

function fixedSizes({ input, model }: DetectionConfig, isWritten: (key: string) => boolean): Partial<RecipeSizes> {
  const hasInput = isWritten('input.width') || isWritten('input.height');
  return {
    ...(hasInput ? { width: input.width, height: input.height } : {}),
    ...(isWritten('input.window') ? { window: input.window } : {}),
    // The width of torchvision's networks is not adjustable.
    ...(isWritten('model.width') || model.backbone !== 'small' ? { channels: model.width } : {}),
  };
}

/** Number of bytes of the decoded training images. */
const bytesOf = ({ images, width, height }: DataStatistics, sizes: RecipeSizes): number =>
  images * 3 * Math.min(sizes.width / width, sizes.height / height) ** 2 * width * height;

function valuesOf(
  { isWritten, statistics, memory }: RecipeQuestion,
  sizes: RecipeSizes,
  schedule: RecipeSchedule | undefined,
): RecipeValues {
  const { width, height, window, channels } = sizes;
  const values: Record<string, Record<string, number | boolean>> = {};
  const set = (key: string, value: number | boolean | undefined): void => {
    const [section = '', name = ''] = key.split('.');
    if (value !== undefined && !isWritten(key)) (values[section] ??= {})[name] = value;
  };
  set('input.width', width);
  set('input.height', height);
  set('input.window', window);
  set('dataloader.cache', bytesOf(statistics, sizes) <= memory);
  set('model.width', channels);
  set('model.softmaxWeight', softmaxWeight(statistics));
  set('solver.maxIterations', schedule?.iterations);
  set('solver.warmupIterations', schedule?.warmup);
  set('test.evalPeriod', schedule?.period);
  set('checkpoint.period', schedule?.period);
  return values;
}

function reasonsFor(
  { config, statistics, memory, isWritten }: RecipeQuestion,
  sizes: RecipeSizes,
  schedule: TimedSchedule | undefined,
): string[] {
  const { images, objects, classes } = statistics;
  const [small, middle] = sidesAt(sizes, statistics);
  const { width, height, window, channels } = sizes;
  const said = (keys: readonly string[]): string => (keys.some(isWritten) ? ', as set' : '');
  return [
    `${count(images, 'image')} with ${count(objects, 'object')} of ${count(classes, 'class', 'classes')}, ${count(config.budget.minutes, 'minute')} (budget.minutes)`,
    `input ${width}x${height}${said(['input.width', 'input.height'])}: half of the objects are ${middle.toFixed(0)} pixels wide or more, small ones ${small.toFixed(0)}${
      small < LEAST_SIDE ? `; below ${LEAST_SIDE} the network sees too little of them` : ''
    }`,
    window > 0
      ? `training on windows of ${window}x${window} around objects${said(['input.window'])}, ${((100 * window * window) / (width * height)).toFixed(0)} % of the pixels`
      : `training on whole images${said(['input.window'])}`,
    ...(bytesOf(statistics, sizes) <= memory || isWritten('dataloader.cache')
      ? []
      : [
          `not caching decoded images: they would take ${(bytesOf(statistics, sizes) / 1e9).toFixed(1)} GB (dataloader.cache)`,
        ]),
    ...(isWritten('model.softmaxWeight')
      ? []
      : [`model.softmaxWeight ${softmaxWeight(statistics)}, from how evenly the objects are spread over the classes`]),
    `model.width ${channels}${said(['model.width'])}${
      schedule === undefined
        ? ''
        : `; a step of ${count(config.solver.batchSize, 'image')} takes ${(schedule.stepSeconds * 1000).toFixed(0)} ms here`
    }`,
    schedule === undefined
      ? `${config.solver.maxEpochs > 0 ? count(config.solver.maxEpochs, 'epoch') : count(config.solver.maxIterations, 'iteration')}, as set`
      : `${count(schedule.iterations, 'iteration')}, evaluated every ${schedule.period}${
          schedule.iterations < ENOUGH_ITERATIONS ? '; too few to learn well, so give it more minutes' : ''
        }`,
  ];
}

/** Keeps the values of keys that the user has not set. */
export function unwritten(values: RecipeValues, isWritten: (key: string) => boolean): RecipeValues {
  const sections = Object.entries(values).map(([section, keys]) => [
    section,
    Object.fromEntries(Object.entries(keys).filter(([key]) => !isWritten(`${section}.${key}`))),
  ]);
  return Object.fromEntries(sections) as RecipeValues;
}

/** Formats values as text, such as `input.width 320 as set, model.width 32`. Where the user has set a key, that value holds. */
export const describeValues = (
  values: RecipeValues,
  config: DetectionConfig,
  isWritten: (key: string) => boolean,
): string =>
  Object.entries(values)
    .flatMap(([section, keys]) =>
      Object.entries(keys).map(([name, value]) => {
        const key = `${section}.${name}`;
        const own = (config[section as keyof RecipeValues] as Readonly<Record<string, unknown>>)[name];
        return isWritten(key) ? `${key} ${String(own)} as set` : `${key} ${String(value)}`;
      }),
    )
    .join(', ');

/** Logs what was chosen. */
export function logRecipe(reasons: readonly string[], logger: Logger): void {
  for (const reason of reasons) logger.info(`recipe:     ${reason}`);
}

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;
