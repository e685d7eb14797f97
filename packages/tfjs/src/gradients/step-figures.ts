import {
  HooklineError,
  lossNotFinite,
  type NamedLosses,
  type NamedTensors,
  type StepContext,
  TOTAL_LOSS,
} from '@hookline/core';
import tf from '#tfjs';
import { ranksNotFinite } from '../ranks/all-reduce.ts';

/** The layout of a step's figures: the losses, their sum when there are several, and the values of the check. */
export interface FigureNames {
  readonly losses: readonly string[];
  /** The index of the sum of the losses. A single loss is its own sum. */
  readonly total: number;
  /** The names of the checked gradients; undefined when the step is not checked. */
  readonly gradients?: readonly string[] | undefined;
}

/** What a step returns to the host, packed into one vector on the device so that one transfer reads all of it. */
export interface StepFigures {
  readonly names: FigureNames;
  readonly packed: tf.Tensor;
  /** A scalar that is finite only if the weights may change; undefined when the step is not checked. */
  readonly guard?: tf.Scalar | undefined;
}

/** The losses of one update, and their sum. */
export interface UpdateLosses {
  readonly losses: NamedLosses;
  readonly total: tf.Scalar;
}

/** Which gradients must be finite for the weights to change, and under which condition. */
export interface FiniteCheck {
  readonly gradients: NamedTensors;
  /** When it is false, the update is skipped anyway and the gradients may have any value. */
  readonly condition?: tf.Scalar | undefined;
  /** Makes the checked value equal on all ranks. */
  readonly agree?: ((guard: tf.Scalar) => tf.Scalar) | undefined;
}

/** The figures of one update. A step has one update, or one for each part that it updates. */
export interface UpdateFigures extends UpdateLosses {
  /** The name of the part; undefined when the step has one update. */
  readonly part: string | undefined;
  readonly checked?: {
    readonly names: readonly string[];
    readonly sums: readonly tf.Scalar[];
    readonly guard: tf.Scalar;
  };
}

/**
 * The figures of one update: its losses and, for a check, the sum of each gradient. A sum is NaN or infinite when one
 * of its terms is. This reads each gradient once, and the sums identify the gradient at fault. (A sum of finite numbers
 * becomes infinite only beyond 3.4e38.)
 */
export function figuresOf({ losses, total }: UpdateLosses, check?: FiniteCheck, part?: string): UpdateFigures {
  if (check === undefined) return { losses, total, part };
  const names = Object.keys(check.gradients);
  const sums = names.map((name) => sumOf(check.gradients[name] as tf.Tensor));
  const own = guardOf(total, sums, check.condition);
  return { losses, total, part, checked: { names, sums, guard: check.agree?.(own) ?? own } };
}

/**
 * Packs the figures of a step. Each figure of a part is prefixed with the part's name, as in `generator/total_loss`.
 * The sum is over all parts.
 */
export function packFigures(updates: readonly UpdateFigures[]): StepFigures {
  const losses: Record<string, tf.Scalar> = {};
  for (const { part, losses: own, total } of updates) {
    const names = Object.keys(own);
    if (part === undefined || names.length > 1)
      for (const name of names) losses[part === undefined ? name : `${part}/${name}`] = own[name] as tf.Scalar;
    if (part !== undefined) losses[`${part}/${TOTAL_LOSS}`] = total;
  }
  const names = Object.keys(losses);
  const total = addAll(updates.map((each) => each.total));
  const isAlone = names.length === 1 && updates[0]?.part === undefined;
  const figures: tf.Tensor[] = isAlone ? [total] : [...Object.values(losses), total];
  const place = { losses: names, total: figures.length - 1 };
  const checks = updates.flatMap(({ checked }) => checked ?? []);
  if (checks.length === 0) {
    return { names: place, packed: figures.length === 1 ? total.clone() : tf.stack(figures) };
  }
  const gradients = checks.flatMap((each) => each.names);
  // All parts share one guard, so that the step is applied as a whole or not at all.
  const guard = addAll(checks.map((each) => each.guard));
  const sums = checks.flatMap((each) => each.sums);
  return { names: { ...place, gradients }, packed: tf.stack([...figures, ...sums, guard]), guard };
}

const addAll = (values: readonly tf.Scalar[]): tf.Scalar =>
  values.length === 1 ? (values[0] as tf.Scalar) : tf.addN([...values]);

const sumOf = (gradient: tf.Tensor): tf.Scalar =>
  gradient.rank === 0 ? (gradient as tf.Scalar) : tf.sum(gradient).asScalar();

function guardOf(total: tf.Scalar, sums: readonly tf.Scalar[], condition: tf.Scalar | undefined): tf.Scalar {
  if (sums.length === 0) return total;
  if (condition === undefined) return tf.addN([total, ...sums]);
  return tf.where(condition, tf.addN([total, ...sums]), total);
}

/** Whether there is a single loss, which is also the sum. */
export const isSumAlone = ({ losses, total }: FigureNames): boolean => total < losses.length;

/** Extracts the losses and their sum from the values of the figures. */
export function readLosses(
  { losses: names, total }: FigureNames,
  values: Float32Array,
): { losses: Record<string, number>; total: number } {
  const at = (place: number): number => values[place] ?? Number.NaN;
  return { losses: Object.fromEntries(names.map((name, place) => [name, at(place)])), total: at(total) };
}

/** Whether the weights may change. Always true when the step is not checked. */
export const isGood = ({ gradients }: FigureNames, values: Float32Array): boolean =>
  gradients === undefined || Number.isFinite(values.at(-1));

/** The error for a step whose figures are not finite. @param context the step at fault, when it is known */
export function notFinite(names: FigureNames, values: Float32Array, context?: StepContext): HooklineError {
  const { losses, total } = readLosses(names, values);
  const { gradients = [] } = names;
  const who = `step${ofRanks(ranksNotFinite())}`;
  if (!Number.isFinite(total))
    return lossNotFinite(isSumAlone(names) ? losses : { ...losses, [TOTAL_LOSS]: total }, context, undefined, who);
  const first = values.length - 1 - gradients.length;
  const bad = gradients.filter((_, place) => !Number.isFinite(values[first + place]));
  // Each gradient is finite but their total is not: they are so large that the next loss will not be finite either.
  return new GradientNotFiniteError(bad.length === 0 ? gradients : bad, gradients.length, total, context, who);
}

/**
 * Names the ranks with these numbers. Empty in a single process, and when only the sum over the ranks is not finite.
 */
function ofRanks(ranks: readonly number[]): string {
  if (ranks.length === 0) return '';
  const listed = ranks.slice(0, NAMED).join(', ');
  const more = ranks.length > NAMED ? ` and ${ranks.length - NAMED} more` : '';
  return ` of ${ranks.length === 1 ? 'rank' : 'ranks'} ${listed}${more}`;
}

/** The most variables, or ranks, that an error names: one NaN reaches hundreds of them. */
const NAMED = 5;

/** `HKL_GRADIENT_NOT_FINITE`: the loss is finite, but gradients of the update are not. */
export class GradientNotFiniteError extends HooklineError {
  override readonly name = 'GradientNotFiniteError';
  /** Names of the variables whose gradients are not finite. */
  readonly gradients: readonly string[];

  constructor(
    gradients: readonly string[],
    count: number,
    loss: number,
    context?: Pick<StepContext, 'iteration'>,
    who = 'step',
  ) {
    const rest = gradients.length - NAMED;
    const named = gradients.slice(0, NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
    super(
      'HKL_GRADIENT_NOT_FINITE',
      `the gradients of ${gradients.length} of ${count} variables became infinite or NaN (${named}), though the loss is ${loss}`,
      {
        who,
        where: context && `iteration ${context.iteration}`,
        fix:
          'Weights were left as they were. Look at the batch for NaN and infinity, which max pooling and saturated activations hide ' +
          'from the loss, at functions whose derivative is infinite, such as sqrt at 0, and at the learning rate. ' +
          'To go on without such steps list anomalyGuard()',
      },
    );
    this.gradients = gradients;
  }
}
