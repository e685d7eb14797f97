import {
  HooklineError,
  isHooklineError,
  type ScalarValue,
  type StepOutput,
  type StepRunner,
  totalLossOf,
} from '@hookline/core';
import { type BatchSource, type Optimizer, tf, type TrainableModel, type TrainingStep } from '@hookline/tfjs';
import { optionsSchema, type RangeTestOptions } from './options.ts';
import { suggestRate } from './suggest-rate.ts';

/** The parts of a training that a range test uses, and restores afterwards. */
export interface RangeTestParts {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly step: TrainingStep;
  readonly runner: StepRunner;
  readonly source: BatchSource;
}

/** One step of a range test. */
export interface RangePoint {
  readonly rate: number;
  readonly loss: number;
  /** Moving average of the losses up to this step. */
  readonly smoothed: number;
}

/** The result of a range test. */
export interface RangeTest {
  readonly points: readonly RangePoint[];
  /** See {@link suggestRate}. */
  readonly suggestion: number | undefined;
  /** Why it ended: at the largest rate, because the loss diverged, or because a loss or gradient was not finite. */
  readonly end: 'complete' | 'diverged' | 'not finite';
}

/**
 * Runs some steps with a learning rate that grows by a constant factor, and records the loss: the range test of Leslie N. Smith
 * (Cyclical Learning Rates for Training Neural Networks, 2017, section 3.3), with the exponential growth, smoothing and stopping rule of fastai's and Lightning's
 * finders.
 *
 *     rate[i] = minRate · (maxRate / minRate)^(i / (steps - 1))
 *     m[i] = smoothing · m[i - 1] + (1 - smoothing) · loss[i],  smoothed[i] = m[i] / (1 - smoothing^(i + 1))
 *
 * It ends early if the smoothed loss exceeds `divergence` times its minimum so far. Then everything is restored: weights, the model's other variables, the optimizer
 * with its rate, variables of plugins, and the position in the data. Random numbers depend on seed and iteration, so they need no restoring. A later training ends with
 * the same weights as without the test, to the bit.
 *
 * @param iteration iteration of the next step of the training
 * @throws HooklineError `HKL_OPTION_INVALID`; `HKL_RANGE_TEST` if the first loss is not finite or no step changed a weight; and the errors of the data, the model
 * and the taps
 */
export async function rangeTest(
  parts: RangeTestParts,
  options: RangeTestOptions = {},
  iteration = 0,
): Promise<RangeTest> {
  const { steps, minRate, maxRate, smoothing, divergence } = checked(options);
  const { optimizer, runner, source, model } = parts;
  const [rate, position, before] = [optimizer.learningRate, source.state(), new Snapshot(parts.step)];
  const points: RangePoint[] = [];
  let end: RangeTest['end'] = 'complete';
  try {
    let [mean, smallest] = [0, Infinity];
    for (let step = 0; step < steps && end === 'complete'; step++) {
      optimizer.learningRate = minRate * (maxRate / minRate) ** (step / (steps - 1));
      const context = { iteration: iteration + step, startIteration: iteration, maxIterations: iteration + steps };
      const loss = await finiteLoss(runner, context);
      if (loss === undefined) {
        end = 'not finite';
        break;
      }
      mean = smoothing * mean + (1 - smoothing) * loss;
      const smoothed = mean / (1 - smoothing ** (step + 1));
      points.push({ rate: optimizer.learningRate, loss, smoothed });
      if (step > 0 && smoothed - smallest > (divergence - 1) * Math.abs(smallest)) end = 'diverged';
      smallest = Math.min(smallest, smoothed);
    }
    if (points.length === 0)
      throw nothingToSee(
        'the loss of the first step is not finite',
        'Look at the data and the model; a smaller minRate will not help',
      );
    if (points.length > 1 && !(await before.differsIn([...model.trainable().values()])))
      throw nothingToSee(
        'its steps changed no weight',
        'Leave gradient accumulation out of the test (--set solver.accumulationSteps=1)',
      );
  } finally {
    optimizer.learningRate = rate;
    before.restore();
    source.restore(position);
  }
  return { points, suggestion: suggestRate(points), end };
}

function checked(options: RangeTestOptions) {
  const { data, error } = optionsSchema.safeParse(options);
  if (data !== undefined) return data;
  throw new HooklineError(
    'HKL_OPTION_INVALID',
    error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    {
      who: 'rangeTest',
      fix: 'See the options of the range test',
    },
  );
}

/** Copies of all variables that a step may change. */
class Snapshot {
  readonly #copies: ReadonlyMap<tf.Variable, tf.Tensor>;

  constructor(step: TrainingStep) {
    const variables = [...step.variables().values()];
    this.#copies = new Map(variables.map((variable) => [variable, tf.keep(variable.clone())]));
  }

  /** Whether any of these variables has changed. */
  async differsIn(variables: readonly tf.Variable[]): Promise<boolean> {
    const difference = tf.tidy(() =>
      tf.addN(variables.map((variable) => tf.sum(tf.abs(tf.sub(variable, this.#copies.get(variable) as tf.Tensor))))),
    );
    const [value = 0] = await difference.data();
    difference.dispose();
    return value !== 0;
  }

  /** Restores everything and disposes of the copies. */
  restore(): void {
    for (const [variable, copy] of this.#copies) {
      if (!variable.isDisposed) variable.assign(copy);
      copy.dispose();
    }
  }
}

/** The loss of one step; undefined if the loss or a gradient is not finite. */
async function finiteLoss(runner: StepRunner, context: Parameters<StepRunner['run']>[0]): Promise<number | undefined> {
  let output: StepOutput;
  try {
    output = await runner.run(context);
  } catch (error) {
    if (isHooklineError(error, 'HKL_LOSS_NOT_FINITE') || isHooklineError(error, 'HKL_GRADIENT_NOT_FINITE'))
      return undefined;
    throw error;
  }
  const read = Object.entries(output.losses).map(async ([name, loss]) => [name, await take(loss)] as const);
  const losses = Object.fromEntries(await Promise.all(read));
  const total = output.totalLoss === undefined ? {} : { totalLoss: await take(output.totalLoss) };
  for (const metric of Object.values(output.metrics ?? {})) if (typeof metric !== 'number') metric.dispose?.();
  const loss = totalLossOf({ losses, ...total });
  return typeof loss === 'number' && Number.isFinite(loss) ? loss : undefined;
}

async function take(value: ScalarValue): Promise<number> {
  if (typeof value === 'number') return value;
  try {
    return await value.read();
  } finally {
    value.dispose?.();
  }
}

const nothingToSee = (what: string, fix: string): HooklineError =>
  new HooklineError('HKL_RANGE_TEST', what, { who: 'the range test of learning rates', fix });
