import { HooklineError } from '@hookline/core';
import type { DataStatistics } from './data-statistics.ts';

/** The sizes of a training, which decide how long a step takes. */
export interface RecipeSizes {
  /** Pixels of the network's input. */
  readonly width: number;
  readonly height: number;
  /** Side in pixels of the windows that training cuts out of it around objects; 0 trains on whole images. */
  readonly window: number;
  /** Channels of the backbone's first level. */
  readonly channels: number;
}

/** How long to train. */
export interface RecipeSchedule {
  readonly iterations: number;
  readonly warmup: number;
  /** Iterations between evaluations, and between checkpoints. */
  readonly period: number;
}

/** What {@link chooseSchedule} goes by. */
export interface ScheduleOptions {
  readonly minutes: number;
  /** Seconds of one step with these sizes. */
  readonly stepSeconds: number;
  /** Images of a step. */
  readonly batchSize: number;
  /** Training images, test images, and views of each of them with test-time augmentation; 0 without it. */
  readonly images: number;
  readonly testImages: number;
  readonly views: number;
}

/** Side in pixels that the middle object should have in the input, and channels: the best first, which only windows can afford. */
const CHOICES = [
  [32, 32],
  [24, 32],
  [24, 24],
  [24, 16],
  [16, 16],
] as const;
/** Side in pixels that small objects should have: of smaller ones a network sees too little. */
export const LEAST_SIDE = 10;
/** Pixels of the input beyond which predicting takes too long and memory runs out, 1024 x 1024. */
const MOST_PIXELS = 1 << 20;
/** Inputs and windows are multiples of the network's coarsest stride. */
const STRIDE = 16;
const [LEAST_INPUT, LEAST_WINDOW] = [96, 96];
/** Sides of the middle object, and of a large one, that a window has. */
const [MIDDLE_SIDES, LARGE_SIDES] = [5, 2];
/** Windows pay where they have at most this share of the pixels of whole images. */
const WINDOW_SHARE = 0.7;

/** With fewer iterations than the first, a smaller network learns more, since it has time for more of them; with fewer than the second, none learns anything. */
export const [ENOUGH_ITERATIONS, LEAST_ITERATIONS] = [500, 50] as const;
/** Times that a training sees each image at most: further ones teach nothing new. */
const MOST_VIEWS = 1500;
const EVALUATIONS = 4;
/** Share of the budget for reading the data, evaluations' host work, and steps that take longer than others. */
const RESERVE = 0.06;
/** Share of a training step's time that predicting takes per pixel: the forward pass is a third, and images are decoded anew. */
const PREDICTING = 0.4;

/**
 * Sizes for data, the best first and the fastest last. The input is as large as makes the middle object some 24 pixels wide,
 * or a small one 10, but no larger than the images. Where that leaves much of each image empty, training looks at windows
 * around objects, whose cost does not depend on the size of the input: then the middle object may have 32 pixels.
 *
 * @param fixed sizes that the user has chosen
 */
export function recipeSizes(statistics: DataStatistics, fixed: Partial<RecipeSizes> = {}): readonly RecipeSizes[] {
  const sizes = CHOICES.map(([target, channels]) =>
    refit({ ...sizesFor(statistics, target, channels), ...fixed }, statistics, fixed.window),
  );
  if (sizes[0]?.window === 0) sizes.shift();
  const keys = sizes.map((each) => JSON.stringify(each));
  return sizes.filter((_, place) => keys.indexOf(keys[place] as string) === place);
}

function sizesFor(statistics: DataStatistics, target: number, channels: number): RecipeSizes {
  const { longerSide, width, height, sides } = statistics;
  const [small, middle] = sides;
  const wanted = Math.max(target / middle, LEAST_SIDE / small);
  const most = Math.min(longerSide, Math.sqrt(MOST_PIXELS / (width * height)));
  const longer = Math.max(LEAST_INPUT, Math.min(wanted, most));
  return { width: up(longer * width), height: up(longer * height), window: 0, channels };
}

/** With the window that these sizes ask for, unless the user has chosen one. */
function refit(sizes: RecipeSizes, statistics: DataStatistics, window: number | undefined): RecipeSizes {
  if (window !== undefined) return sizes;
  const [, middle, large] = sidesAt(sizes, statistics);
  const side = up(Math.max(LEAST_WINDOW, MIDDLE_SIDES * middle, LARGE_SIDES * large));
  return { ...sizes, window: side * side <= WINDOW_SHARE * sizes.width * sizes.height ? side : 0 };
}

/** Sides of a small, a middle and a large object in the input, in pixels. */
export function sidesAt(
  { width, height }: Pick<RecipeSizes, 'width' | 'height'>,
  statistics: DataStatistics,
): [small: number, middle: number, large: number] {
  const longer = Math.min(width / statistics.width, height / statistics.height);
  return statistics.sides.map((side) => side * longer) as [number, number, number];
}

/** Entropy with which the loss between the classes has its full weight: that of six classes, each as frequent. */
const FULL_ENTROPY = Math.log(6);

/**
 * Weight of the loss between the classes: as much as there is to tell apart. Where nearly all objects are of one class, it would
 * mostly teach how frequent that is.
 */
export const softmaxWeight = ({ entropy }: Pick<DataStatistics, 'entropy'>): number =>
  Math.round(10 * Math.min(1, entropy / FULL_ENTROPY)) / 10;

/** How much longer a step takes with these sizes than with others: by its pixels, and by the channels as measured. */
export function relativeCost(sizes: RecipeSizes, others: RecipeSizes): number {
  // Half the channels take some 0.6 of the time.
  return (trainedPixels(sizes) * sizes.channels ** 0.75) / (trainedPixels(others) * others.channels ** 0.75);
}

/** Pixels of one image of a training batch. */
export const trainedPixels = ({ width, height, window }: RecipeSizes): number =>
  window > 0 ? window * window : width * height;

/**
 * How many steps fit into a budget, beside the evaluations.
 *
 * @throws HooklineError `HKL_BUDGET` for a budget in which nothing can be learned
 */
export function chooseSchedule(sizes: RecipeSizes, options: ScheduleOptions): RecipeSchedule {
  const { minutes, stepSeconds, batchSize, images, testImages, views } = options;
  const perPixel = stepSeconds / (batchSize * trainedPixels(sizes));
  const evaluation = testImages * sizes.width * sizes.height * perPixel * PREDICTING;
  const seconds = minutes * 60 * (1 - RESERVE);
  // Evaluations are made rarer before they take more than a third of the time.
  const affordable = Math.floor((seconds / 3 - views * evaluation) / Math.max(evaluation, 1e-9));
  const evaluations = Math.max(1, Math.min(EVALUATIONS, affordable));
  const left = seconds - evaluation * (evaluations + views);
  const most = Math.ceil((MOST_VIEWS * images) / batchSize);
  const iterations = Math.min(Math.floor(left / stepSeconds), Math.max(most, ENOUGH_ITERATIONS));
  if (iterations < LEAST_ITERATIONS) throw tooShort(options, evaluation * (1 + views));
  return {
    iterations,
    warmup: Math.min(100, Math.ceil(iterations / 10)),
    period: Math.ceil(iterations / evaluations),
  };
}

function tooShort({ minutes, stepSeconds }: ScheduleOptions, evaluating: number): HooklineError {
  const needed = (LEAST_ITERATIONS * stepSeconds + evaluating) / (60 * (1 - RESERVE));
  const what = `in ${minutes} minutes nothing can be learned: a step takes ${stepSeconds.toFixed(2)} s, the evaluation ${evaluating.toFixed(0)} s`;
  return new HooklineError('HKL_BUDGET', what, {
    who: 'budget.minutes',
    fix: `Give at least ${Math.ceil(needed)}, or choose smaller sizes by input.width, input.height and model.width`,
  });
}

const up = (length: number): number => Math.ceil(length / STRIDE - 0.01) * STRIDE;
