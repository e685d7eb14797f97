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

/** What stands where in the figures of a step: the losses, their sum where there are several, and the check's values. */
export interface FigureNames {
  readonly losses: readonly string[];
  /** The place of the sum of the losses. A single loss is the sum itself. */
  readonly total: number;
  /** The gradients that were checked; undefined where the step is not checked. */
  readonly gradients?: readonly string[] | undefined;
}

/** What a step gives to the host, as one vector on the device, so that reading it all is one transfer. */
export interface StepFigures {
  readonly names: FigureNames;
  readonly packed: tf.Tensor;
  /** A scalar that is finite only if the weights may change; undefined where the step is not checked. */
  readonly guard?: tf.Scalar | undefined;
}

/** The losses of one update, and their sum. */
export interface FigureParts {
  readonly losses: NamedLosses;
  readonly total: tf.Scalar;
}

/** Which gradients must be finite for the weights to change, and on which condition. */
export interface FiniteCheck {
  readonly gradients: NamedTensors;
  /** Where false, the update is skipped anyway, and the gradients may be anything. */
  readonly condition?: tf.Scalar | undefined;
  /** Makes what is checked the same on all ranks. */
  readonly agree?: ((guard: tf.Scalar) => tf.Scalar) | undefined;
}

/** The figures of one update, of which a step has one, or one for each part that it updates. */
export interface UpdateFigures extends FigureParts {
  /** The name of the part; undefined where a step has one update. */
  readonly part: string | undefined;
  readonly checked?: {
    readonly names: readonly string[];
    readonly sums: readonly tf.Scalar[];
    readonly guard: tf.Scalar;
  };
}

/**
 * The figures of one update: its losses, and for a check the sum of each gradient besides. A sum is NaN or infinite where
 * one of its terms is: that reads each gradient once, and the sums say whose gradient it was. (The sum of finite numbers
 * is infinite only beyond 3.4e38.)
 */
export function figuresOf({ losses, total }: FigureParts, check?: FiniteCheck, part?: string): UpdateFigures {
  if (check === undefined) return { losses, total, part };
  const names = Object.keys(check.gradients);
  const sums = names.map((name) => sumOf(check.gradients[name] as tf.Tensor));
  const own = guardOf(total, sums, check.condition);
  return { losses, total, part, checked: { names, sums, guard: check.agree?.(own) ?? own } };
}

/**
 * Packs the figures of a step. Those of a part have the part's name before their own, as in `generator/total_loss`; the
 * sum is that of all parts.
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
  // One for all parts, so that a step is made as a whole or not at all.
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

/** Whether the single loss is the sum itself. */
export const isSumAlone = ({ losses, total }: FigureNames): boolean => total < losses.length;

/** The losses and their sum from the figures' values. */
export function readLosses(
  { losses: names, total }: FigureNames,
  values: Float32Array,
): { losses: Record<string, number>; total: number } {
  const at = (place: number): number => values[place] ?? Number.NaN;
  return { losses: Object.fromEntries(names.map((name, place) => [name, at(place)])), total: at(total) };
}

/** Whether the weights may change. Always true where the step is not checked. */
export const isGood = ({ gradients }: FigureNames, values: Float32Array): boolean =>
  gradients === undefined || Number.isFinite(values.at(-1));

/** What is wrong with a step whose figures are not good. @param context of which step, where that is known */
export function notFinite(names: FigureNames, values: Float32Array, context?: StepContext): HooklineError {
  const { losses, total } = readLosses(names, values);
  const { gradients = [] } = names;
  const who = `step${ofRanks(ranksNotFinite())}`;
  if (!Number.isFinite(total))
    return lossNotFinite(isSumAlone(names) ? losses : { ...losses, [TOTAL_LOSS]: total }, context, undefined, who);
  const first = values.length - 1 - gradients.length;
  const bad = gradients.filter((_, place) => !Number.isFinite(values[first + place]));
  // Each finite and the sum of all of them not: so large that the next loss will not be finite either.
  return new GradientNotFiniteError(bad.length === 0 ? gradients : bad, gradients.length, total, context, who);
}

/** Of the ranks whose numbers those are; nothing in a single process, and where only their sum over the ranks is not finite. */
function ofRanks(ranks: readonly number[]): string {
  if (ranks.length === 0) return '';
  const listed = ranks.slice(0, NAMED).join(', ');
  const more = ranks.length > NAMED ? ` and ${ranks.length - NAMED} more` : '';
  return ` of ${ranks.length === 1 ? 'rank' : 'ranks'} ${listed}${more}`;
}

/** Variables, and ranks, that an error names: one NaN reaches hundreds of them. */
const NAMED = 5;

/** `HKL_GRADIENT_NOT_FINITE`: the loss is finite, gradients of the update are not. */
export class GradientNotFiniteError extends HooklineError {
  override readonly name = 'GradientNotFiniteError';
  /** Names of the variables. */
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
