import { HooklineError, lossNotFinite, type NamedLosses, type NamedTensors, type StepContext } from '@hookline/core';
import tf from '#tfjs';
import { ranksNotFinite } from '../ranks/all-reduce.ts';

/** What stands where in the figures of a step: the losses, their sum where there are several, and the check's values. */
export interface FigureNames {
  readonly losses: readonly string[];
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

/** What {@link packFigures} packs. */
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

/**
 * Packs a step's losses, and for a check the sum of each gradient besides. A sum is NaN or infinite where one of its terms
 * is: that reads each gradient once, and the sums say whose gradient it was. (The sum of finite numbers is infinite
 * only beyond 3.4e38.)
 */
export function packFigures({ losses, total }: FigureParts, check?: FiniteCheck): StepFigures {
  const names = Object.keys(losses);
  const figures: tf.Tensor[] = names.length === 1 ? [total] : [...Object.values(losses), total];
  if (check === undefined) {
    return { names: { losses: names }, packed: figures.length === 1 ? total.clone() : tf.stack(figures) };
  }
  const gradients = Object.keys(check.gradients);
  const sums = gradients.map((name) => sumOf(check.gradients[name] as tf.Tensor));
  const own = guardOf(total, sums, check.condition);
  const guard = check.agree?.(own) ?? own;
  return { names: { losses: names, gradients }, packed: tf.stack([...figures, ...sums, guard]), guard };
}

const sumOf = (gradient: tf.Tensor): tf.Scalar =>
  gradient.rank === 0 ? (gradient as tf.Scalar) : tf.sum(gradient).asScalar();

function guardOf(total: tf.Scalar, sums: readonly tf.Scalar[], condition: tf.Scalar | undefined): tf.Scalar {
  if (sums.length === 0) return total;
  if (condition === undefined) return tf.addN([total, ...sums]);
  return tf.where(condition, tf.addN([total, ...sums]), total);
}

/** The losses and their sum from the figures' values. */
export function readLosses(
  { losses: names }: FigureNames,
  values: Float32Array,
): { losses: Record<string, number>; total: number } {
  const at = (place: number): number => values[place] ?? Number.NaN;
  return {
    losses: Object.fromEntries(names.map((name, place) => [name, at(place)])),
    total: at(names.length === 1 ? 0 : names.length),
  };
}

/** Whether the weights may change. Always true where the step is not checked. */
export const isGood = ({ gradients }: FigureNames, values: Float32Array): boolean =>
  gradients === undefined || Number.isFinite(values.at(-1));

/** What is wrong with a step whose figures are not good. @param context of which step, where that is known */
export function notFinite(names: FigureNames, values: Float32Array, context?: StepContext): HooklineError {
  const { losses, total } = readLosses(names, values);
  const { gradients = [] } = names;
  const isOne = names.losses.length === 1;
  const who = `step${ofRanks(ranksNotFinite())}`;
  if (!Number.isFinite(total))
    return lossNotFinite(isOne ? losses : { ...losses, total_loss: total }, context, undefined, who);
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
