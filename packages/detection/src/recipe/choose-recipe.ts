import { HooklineError } from '@hookline/core';
import type { DataStatistics } from './data-statistics.ts';

/** The sizes of a training, which determine the duration of a step. */
export interface RecipeSizes {
  /** Size of the network's input in pixels. */
  readonly width: number;
  readonly height: number;
  /** Side in pixels of the windows that training cuts from it, mostly around objects; 0 trains on whole images. */
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

/** Options of {@link chooseSchedule}. */
export interface ScheduleOptions {
  readonly minutes: number;
  /** Seconds of `minutes` that are gone. @default 0 */
  readonly spent?: number;
  /** Duration of one step with these sizes, in seconds. */
  readonly stepSeconds: number;
  /** Number of images in a step. */
  readonly batchSize: number;
  /** Numbers of training images, of test images, and of views per test image with test-time augmentation (0 without it). */
  readonly images: number;
  readonly testImages: number;
  readonly views: number;
}

/** Candidates, the best first: side in pixels of the median object in the input, and channels. The first is for windows only. */
const CHOICES = [
  [32, 32],
  [24, 32],
  [24, 24],
  [24, 16],
  [16, 16],
] as const;
/** Minimum side in pixels of small objects in the input, since a network sees too little of smaller ones. */
export const LEAST_SIDE = 10;
/** Maximum number of input pixels, 1024 x 1024: beyond it, prediction takes too long and memory runs out. */
const MOST_PIXELS = 1 << 20;
/** Inputs and windows are multiples of the network's coarsest stride. */
const STRIDE = 16;
const [LEAST_INPUT, LEAST_WINDOW] = [96, 96];
/** Side of a window as a multiple of the side of the median object, and of a large object. */
const [MIDDLE_SIDES, LARGE_SIDES] = [5, 2];
/** Windows are worthwhile when they have at most this share of the pixels of whole images. */
const WINDOW_SHARE = 0.7;

/**
 * Below the first number of iterations, a smaller network learns more because it has time for more iterations. Below the
 * second, no network learns anything.
 */
export const [ENOUGH_ITERATIONS, LEAST_ITERATIONS] = [500, 50] as const;
/** Maximum number of times that training sees each image: further ones teach nothing new. */
const MOST_VIEWS = 1500;
const EVALUATIONS = 4;
/** Share of the budget reserved for reading the data, host work in evaluations, and slow steps. */
const RESERVE = 0.06;
/** Time of prediction relative to training, per pixel: the forward pass takes a third, and images are decoded again. */
const PREDICTING = 0.4;

/**
 * Lists candidate sizes for the data, the best first and the fastest last. The input is large enough for the median object to be
 * about 24 pixels wide, or for a small one to be 10, but not larger than the images. When much of each image is then empty, training
 * uses windows around objects, whose cost does not depend on the input size, so the median object may have 32 pixels.
 *
 * @param fixed sizes that the user has set
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

/** Adds the window that fits these sizes, unless the user has set one. */
function refit(sizes: RecipeSizes, statistics: DataStatistics, window: number | undefined): RecipeSizes {
  if (window !== undefined) return sizes;
  const [, middle, large] = sidesAt(sizes, statistics);
  const side = up(Math.max(LEAST_WINDOW, MIDDLE_SIDES * middle, LARGE_SIDES * large));
  return { ...sizes, window: side * side <= WINDOW_SHARE * sizes.width * sizes.height ? side : 0 };
}

/** Sides of a small, the median and a large object in the input, in pixels. */
export function sidesAt(
  { width, height }: Pick<RecipeSizes, 'width' | 'height'>,
  statistics: DataStatistics,
): [small: number, middle: number, large: number] {
  const longer = Math.min(width / statistics.width, height / statistics.height);
  return statistics.sides.map((side) => side * longer) as [number, number, number];
}

/** Entropy, in nats, at which the softmax loss between classes has its full weight: that of six equally frequent classes. */
const FULL_ENTROPY = Math.log(6);

/**
 * Weight of the softmax loss between classes, from 0 to 1, proportional to the entropy of the classes. When nearly all objects
 * are of one class, this loss would mostly teach the frequency of that class.
 */
export const softmaxWeight = ({ entropy }: Pick<DataStatistics, 'entropy'>): number =>
  Math.round(10 * Math.min(1, entropy / FULL_ENTROPY)) / 10;

/** Estimated step time with `sizes` relative to `others`, from the number of pixels and channels. */
export function relativeCost(sizes: RecipeSizes, others: RecipeSizes): number {
  // Measured: half the channels take about 0.6 of the time.
  return (trainedPixels(sizes) * sizes.channels ** 0.75) / (trainedPixels(others) * others.channels ** 0.75);
}

/** Number of pixels of one image in a training batch. */
export const trainedPixels = ({ width, height, window }: RecipeSizes): number =>
  window > 0 ? window * window : width * height;

/**
 * Chooses the schedule: as many steps as fit into the budget beside the evaluations.
 *
 * @throws HooklineError `HKL_BUDGET` when the budget is too short to learn anything
 */
export function chooseSchedule(sizes: RecipeSizes, options: ScheduleOptions): RecipeSchedule {
  const { minutes, spent = 0, stepSeconds, batchSize, images, testImages, views } = options;
  const perPixel = stepSeconds / (batchSize * trainedPixels(sizes));
  const evaluation = testImages * sizes.width * sizes.height * perPixel * PREDICTING;
  const seconds = Math.max(0, minutes * 60 - spent) * (1 - RESERVE);
  // There are fewer evaluations if they would otherwise take more than a third of the time.
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

function tooShort({ minutes, spent = 0, stepSeconds }: ScheduleOptions, evaluating: number): HooklineError {
  const needed = spent / 60 + (LEAST_ITERATIONS * stepSeconds + evaluating) / (60 * (1 - RESERVE));
  const what = `in ${minutes} minutes nothing can be learned: timing the steps took ${spent.toFixed(0)} s, a step takes ${stepSeconds.toFixed(2)} s, the evaluation ${evaluating.toFixed(0)} s`;
  return new HooklineError('HKL_BUDGET', what, {
    who: 'budget.minutes',
    fix: `Give at least ${Math.ceil(needed)}, or choose smaller sizes by input.width, input.height and model.width`,
  });
}

const up = (length: number): number => Math.ceil(length / STRIDE - 0.01) * STRIDE;
