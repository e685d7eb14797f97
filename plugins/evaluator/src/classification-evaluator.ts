import {
  assertKnownOptions,
  HooklineError,
  type OptionNames,
  type Results,
  type DatasetEvaluator,
} from '@hookline/core';
import { tf } from '@hookline/tfjs';
import { findLabels } from './find-inputs.ts';

/** Options of {@link ClassificationEvaluator}. */
export interface ClassificationEvaluatorOptions {
  /** The true classes in a batch: whole numbers [batch], or one-hot [batch, classes]. @default `labels`, `y` or `ys` */
  readonly labels?: (batch: unknown) => unknown;
  /** The scores in the model's outputs, [batch, classes], larger is better. @default the outputs */
  readonly scores?: (outputs: unknown) => unknown;
  /** Values of k for which to report the top-k accuracy, such as `top_5`. @default [] */
  readonly topK?: readonly number[];
  /** Names of the classes; adds the accuracy within each class, such as `accuracy-cat`. @default none */
  readonly classNames?: readonly string[];
  /** Nests the results under this name. @default not nested */
  readonly task?: string;
}

const OPTIONS = {
  labels: true,
  scores: true,
  topK: true,
  classNames: true,
  task: true,
} as const satisfies OptionNames<ClassificationEvaluatorOptions>;

/** The counts of a {@link ClassificationEvaluator}. */
interface ClassificationCounts {
  readonly places: readonly number[];
  readonly samples: number;
  readonly classes: ReadonlyMap<number, { readonly right: number; readonly all: number }>;
}

/**
 * Computes the accuracy of a classifier, as fractions from 0 to 1. If scores are equal, the first class wins; a NaN score
 * is never correct.
 */
export class ClassificationEvaluator implements DatasetEvaluator {
  readonly #options: ClassificationEvaluatorOptions;
  /** Number of samples by the rank of their true class, 0 being the best; and per class [correct, all]. */
  #places: number[] = [];
  #samples = 0;
  #classes = new Map<number, { right: number; all: number }>();

  constructor(options: ClassificationEvaluatorOptions = {}) {
    assertKnownOptions('ClassificationEvaluator', options, OPTIONS);
    this.#options = options;
    for (const k of options.topK ?? []) {
      if (Number.isInteger(k) && k > 0) continue;
      throw new HooklineError('HKL_EVAL_OPTION', `topK holds ${k}`, {
        who: 'ClassificationEvaluator',
        fix: 'Give whole numbers from 1 up',
      });
    }
  }

  reset(): void {
    this.#places = [];
    this.#samples = 0;
    this.#classes = new Map();
  }

  /** @throws HooklineError `HKL_EVAL_BATCH` if the shapes of scores and labels do not match */
  async process(batch: unknown, outputs: unknown): Promise<void> {
    const { labels: findIn = findLabels, scores: pick = (all: unknown) => all } = this.#options;
    const scores = pick(outputs);
    if (!(scores instanceof tf.Tensor) || scores.rank !== 2)
      throw misfit('the scores are not a tensor [batch, classes]');
    const [size = 0, classes = 0] = scores.shape as readonly number[];
    const [values, truths] = await Promise.all([scores.data(), classesOf(findIn(batch), size, classes)]);
    for (let row = 0; row < size; row++)
      this.#count(values.subarray(row * classes, (row + 1) * classes), truths[row] ?? -1);
  }

  evaluate(): Results {
    const { topK = [], classNames, task } = this.#options;
    const share = (right: number, all: number): number => (all === 0 ? NaN : right / all);
    const within = (k: number): number => this.#places.slice(0, k).reduce((sum, count) => sum + count, 0);
    const results: Record<string, number> = { accuracy: share(within(1), this.#samples) };
    for (const k of topK) results[`top_${k}`] = share(within(k), this.#samples);
    classNames?.forEach((name, index) => {
      const { right, all } = this.#classes.get(index) ?? { right: 0, all: 0 };
      results[`accuracy-${name}`] = share(right, all);
    });
    return task === undefined ? results : { [task]: results };
  }

  /** The counts of this rank's part of the data. */
  share(): ClassificationCounts {
    return { places: this.#places, samples: this.#samples, classes: this.#classes };
  }

  /** Adds the counts of all ranks. */
  merge(parts: readonly ClassificationCounts[]): void {
    this.reset();
    for (const { places, samples, classes } of parts) {
      places.forEach((count, place) => (this.#places[place] = (this.#places[place] ?? 0) + count));
      this.#samples += samples;
      for (const [name, { right, all }] of classes) {
        const before = this.#classes.get(name) ?? { right: 0, all: 0 };
        this.#classes.set(name, { right: before.right + right, all: before.all + all });
      }
    }
  }

  #count(scores: ArrayLike<number>, truth: number): void {
    const own = scores[truth];
    if (own === undefined) throw misfit(`the label ${truth} is not one of the ${scores.length} classes`);
    let place = Number.isNaN(own) ? scores.length : 0;
    for (let other = 0; other < scores.length; other++) {
      const score = scores[other] as number;
      if (score > own || (score === own && other < truth)) place++;
    }
    this.#samples++;
    this.#places[place] = (this.#places[place] ?? 0) + 1;
    const counted = this.#classes.get(truth) ?? { right: 0, all: 0 };
    counted.all++;
    if (place === 0) counted.right++;
    this.#classes.set(truth, counted);
  }
}

async function classesOf(labels: unknown, size: number, classes: number): Promise<ArrayLike<number>> {
  if (!(labels instanceof tf.Tensor)) {
    if (Array.isArray(labels) && labels.length === size) return labels as number[];
    throw misfit('the labels are neither a tensor nor an array of one number per sample');
  }
  if (labels.size === size) return labels.data();
  const shape = labels.shape as readonly number[];
  if (shape.length !== 2 || shape[0] !== size || shape[1] !== classes) {
    throw misfit(`labels [${shape.join(', ')}] do not fit scores [${size}, ${classes}]`);
  }
  const index = labels.argMax(-1);
  try {
    return await index.data();
  } finally {
    index.dispose();
  }
}

const misfit = (what: string): HooklineError =>
  new HooklineError('HKL_EVAL_BATCH', what, {
    who: 'ClassificationEvaluator',
    fix: 'Select them with its options scores and labels',
  });
