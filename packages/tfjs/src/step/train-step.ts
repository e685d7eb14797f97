import {
  describeCause,
  describeValue,
  HooklineError,
  type NamedLosses,
  type NamedTensors,
  type StepHooks,
  type TapWatch,
  TOTAL_LOSS,
} from '@hookline/core';
import tf from '#tfjs';
import { indexOutOfRange } from '../kernels/gather.ts';
import { registerKernels } from '../kernels/register-kernels.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { div, mul } from '../optim/arithmetic.ts';
import { batchTensors } from '../batch/batch-tensors.ts';
import { collectLosses, sumLosses } from '../gradients/collect-losses.ts';
import { ConditionalUpdate } from './conditional-update.ts';
import { gradientsByName } from '../gradients/gradients.ts';
import { figuresOf, type FiniteCheck, type UpdateFigures } from '../gradients/step-figures.ts';
import { StepVariant } from '../scope/step-variant.ts';
import { StepWatch } from './step-watch.ts';
import type { RunnerScope } from '../scope/runner-scope.ts';

/** Options of {@link TrainStep}. */
export interface TrainStepOptions {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly hooks: StepHooks;
  readonly scope: RunnerScope;
  /** Lets an error about a disposed tensor name the tap that disposed of it. */
  readonly taps?: TapWatch | undefined;
}

/** What one update of a step trains: the whole model, or one of the parts that are updated in turn. */
export interface StepPart {
  /** Undefined for the whole model. */
  readonly name: string | undefined;
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  /** The part is updated once in this many iterations. */
  readonly period: number;
}

/** The results of the first half of a step. All tensors belong to the caller's `tf.tidy`. */
export interface ForwardBackward {
  readonly losses: NamedLosses;
  /** The sum of the losses. {@link TrainStep.update} must not run unless it is finite. */
  readonly total: tf.Scalar;
  /**
   * Gradients by variable name, as the `gradients` hook returned them; undefined when a tap said that the step makes no
   * update.
   */
  readonly gradients: NamedTensors | undefined;
  /** What must be finite, besides the total, before {@link TrainStep.update} may run. */
  readonly check: FiniteCheck;
}

/**
 * One train step as a pure function of tensors, shared by the eager and the captured runner:
 *
 *     batch hook -> model.losses -> losses hook -> sum -> gradients -> gradients hook
 *     [the runner makes sure that the total loss and the gradients are finite]
 *     update hook, or else optimizer.apply -> the model's constraints -> afterUpdate hook
 *
 * With a loss scale s in the scope, the step takes the gradients of s·loss and divides them by s before the hook sees
 * them. A tap may say whether there is an update ({@link StepScope.updateIf}). After `false`, no further tap of
 * `gradients` is called and the last line of the diagram is skipped. With a condition on the device, the last line's
 * changes take effect only where the condition is true.
 *
 * When the model has parts, the step does all of this for each part that is due, in order; see
 * {@link TrainStep.partsAt}.
 *
 * The step reads no value on the host. Call both halves inside one `scope.run(iteration, ...)` and one `tf.tidy`.
 */
export class TrainStep {
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  readonly scope: RunnerScope;
  readonly #hooks: StepHooks;
  readonly #watch: StepWatch;
  readonly #parts: readonly StepPart[];

  constructor({ model, optimizer, hooks, scope, taps }: TrainStepOptions) {
    registerKernels();
    this.model = model;
    this.optimizer = optimizer;
    this.scope = scope;
    this.#hooks = hooks;
    this.#watch = new StepWatch({ model, hooks, scope, taps });
    this.#parts = partsOf(model, optimizer);
    for (const part of this.#parts) {
      const before = part.name === undefined ? '' : `${part.name}/`;
      for (const each of [...part.optimizer.inputs, ...part.optimizer.variants]) scope.adopt(each, before + each.name);
    }
    if (this.#parts.every(({ period }) => period === 1)) return;
    const due = (): string => JSON.stringify(this.partsAt(scope.iteration).map(({ name }) => name));
    scope.adopt(new StepVariant('parts', due));
  }

  /** Whether the model has parts that are updated in turn. */
  get hasParts(): boolean {
    return this.model.parts !== undefined;
  }

  /** What an iteration updates, in order: the whole model, or the parts that are due in this iteration. */
  partsAt(iteration: number): readonly StepPart[] {
    return this.#parts.filter(({ period }) => (iteration + 1) % period === 0);
  }

  /**
   * Runs both halves for each part that is due, one part after the other. No result is checked in between: the figures
   * of all parts together decide whether the step counts.
   *
   * @param isChecked whether the figures say if losses and gradients are finite
   */
  updateParts(iteration: number, batch: unknown, isChecked: boolean): readonly UpdateFigures[] {
    return this.partsAt(iteration).map((part) => {
      const half = this.forwardBackward(batch, part);
      const figures = figuresOf(half, isChecked ? half.check : undefined, part.name);
      this.update(half.gradients, part);
      return figures;
    });
  }

  /**
   * Runs the first half: losses and gradients. It changes no weight, but may change the model's state and scope
   * variables.
   */
  forwardBackward(batch: unknown, part: StepPart = this.#whole): ForwardBackward {
    this.scope.update.reset();
    return this.scope.inPart(part.name, () => this.#forwardBackward(batch, part));
  }

  get #whole(): StepPart {
    return this.#parts[0] as StepPart;
  }

  #forwardBackward(batch: unknown, { name: part, model }: StepPart): ForwardBackward {
    const { batch: onBatch, losses: onLosses, gradients: onGradients } = this.#hooks;
    const trainable = model.trainable();
    if (trainable.size === 0) {
      throw new HooklineError('HKL_NOTHING_TO_TRAIN', 'the model has no trainable variable', {
        who: `model "${model.name}"`,
        fix: 'Make at least one layer or variable trainable',
      });
    }
    const kept: Record<string, tf.Scalar> = {};
    let names: readonly string[] = [];
    this.#watch.begin(trainable, batchTensors(batch));
    try {
      const input = onBatch.used ? onBatch.call(batch, part) : batch;
      // Clone the scale, because tfjs disposes of a seed gradient once it has added to it.
      const scale = this.scope.lossScale?.().clone();
      const { value: total, gradients: raw } = gradientsByName(
        () => {
          let losses = this.#modelLosses(model, input);
          if (onLosses.used) losses = collectLosses(onLosses.call(losses, part), 'hook losses');
          names = Object.keys(losses);
          if (names.length > 1) {
            // tfjs disposes of every tensor that the differentiated function does not return.
            for (const name of names) kept[name] = tf.keep((losses[name] as tf.Scalar).clone());
          }
          return sumLosses(losses);
        },
        trainable,
        scale,
      );
      const losses: Record<string, tf.Scalar> = {};
      for (const name of names) losses[name] = kept[name]?.clone() ?? total;
      if (Object.keys(raw).length === 0) throw noGradients(model.name);
      if (scale !== undefined) divideAll(raw, scale);
      const { ranks, update } = this.scope;
      const { result, shared } = ranks.shareLosses({ losses, total }, () =>
        onGradients.used ? onGradients.call(raw, part) : raw,
      );
      const gradients = update.isOff ? undefined : result;
      return { ...shared, gradients, check: this.#checkOf(raw, gradients) };
    } catch (error) {
      throw indexOutOfRange(error, `model "${model.name}"`) ?? gradientsFailed(error, model.name);
    } finally {
      tf.dispose(kept);
      this.#watch.endOfBatch();
    }
  }

  #checkOf(raw: NamedTensors, gradients: NamedTensors | undefined): FiniteCheck {
    const { ranks, update, lossScale } = this.scope;
    // The gradients of an update are the same on all ranks.
    if (gradients !== undefined) return { gradients, condition: update.value };
    // A step without an update has only accumulated its gradients, and a NaN would spoil the later update. Gradients of
    // a scaled loss may overflow; the plugin that scales the loss detects this in the accumulated sum. Each rank has
    // its own gradients, and all ranks must fail together.
    const added = lossScale === undefined ? Object.entries(raw).filter(([, { isDisposed }]) => !isDisposed) : [];
    const agree = (guard: tf.Scalar): tf.Scalar => ranks.mean([guard])[0] as tf.Scalar;
    return { gradients: Object.fromEntries(added), agree: ranks.size === 1 ? undefined : agree };
  }

  #modelLosses(model: TrainableModel, input: unknown): NamedLosses {
    const who = `model "${model.name}"`;
    let losses: unknown;
    try {
      losses = model.losses(input, this.scope.facade);
    } catch (cause) {
      // Hookline's own errors, including those of capture, already name their subject.
      if (cause instanceof HooklineError) throw cause;
      // A batch may be any value that the model understands. When the model fails on a batch without tensors, the data
      // is the likelier cause.
      const isBare = batchTensors(input).size === 0;
      const about = isBare ? ', in which there is no tensor: look at what the data or a tap of "batch" gives' : '';
      throw new HooklineError('HKL_MODEL_FAILED', `computing the losses failed: ${describeCause(cause)}`, {
        who,
        fix: `The cause below holds the original stack. The batch was ${describeValue(input)}${about}`,
        cause,
      });
    }
    const gone = this.#watch.find();
    if (gone !== undefined) throw new HooklineError(gone.code, `it disposed ${gone.what}`, { who, fix: gone.fix });
    const collected = collectLosses(losses, who);
    const lossNames = Object.keys(collected).filter((name) => name !== TOTAL_LOSS && name !== 'regularization_loss');
    // A tap of `losses` may add losses to a bare scalar, which is named total_loss. A model that names its losses has
    // no reason to use that name.
    if (TOTAL_LOSS in collected && lossNames.length > 0) throw totalAmongLosses(who, lossNames);
    return collected;
  }

  /** Whether plugins tap the second half, in which case it may fail halfway. */
  get isUpdateTapped(): boolean {
    return this.#hooks.update.used || this.#hooks.afterUpdate.used;
  }

  /** Runs the second half, which changes the weights. @param gradients undefined for a step that makes no update */
  update(gradients: NamedTensors | undefined, part: StepPart = this.#whole): void {
    if (gradients === undefined) {
      this.scope.update.reset();
      return;
    }
    this.scope.inPart(part.name, () => {
      this.#update(gradients, part);
    });
  }

  #update(gradients: NamedTensors, { name: part, model, optimizer }: StepPart): void {
    const { update, afterUpdate } = this.#hooks;
    const trainable = model.trainable();
    const condition = this.scope.update.begin();
    const conditional = condition === undefined ? undefined : new ConditionalUpdate(condition);
    this.#watch.beginUpdate(update.used ? gradients : {});
    try {
      const answer = update.used ? update.call(gradients, part) : undefined;
      this.#watch.beginUpdate({});
      if (answer === undefined) optimizer.apply(gradients, trainable);
      // A tap of `update` that returns false is the older form of updateIf(false): the step makes no update of its own. What the
      // tap has assigned stays.
      if (answer !== false) model.constrain?.(new Set(Object.keys(gradients)));
      // Apply the condition before afterUpdate, so that its taps see the final weights of the step.
      conditional?.apply();
      if (answer === false || !afterUpdate.used) return;
      afterUpdate.call(Object.fromEntries(trainable), part);
      conditional?.apply();
    } finally {
      this.#watch.beginUpdate({});
      conditional?.dispose();
      condition?.dispose();
    }
  }

  /** Removes the checks from the hooks, which then hold no reference to the model. A later step adds them again. */
  close(): void {
    this.#watch.close();
  }

  /** Every variable that a step may read or change, by name: `model/...`, `optimizer/...` and `scope/...`. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return stepVariables(this);
  }
}

/** See {@link TrainStep.variables}. */
export function stepVariables({
  model,
  optimizer,
  scope,
}: Pick<TrainStepOptions, 'model' | 'optimizer' | 'scope'>): ReadonlyMap<string, tf.Variable> {
  const all = new Map<string, tf.Variable>();
  for (const [name, variable] of model.trainable()) all.set(`model/${name}`, variable);
  for (const [name, variable] of model.state()) all.set(`model/${name}`, variable);
  for (const [name, variable] of optimizer.slots()) all.set(`optimizer/${name}`, variable);
  for (const [name, { variable }] of scope.variables()) all.set(`scope/${name}`, variable);
  return all;
}

/** The parts of the model; a model without parts is its own only part. */
function partsOf(model: TrainableModel, optimizer: Optimizer): readonly StepPart[] {
  if (model.parts === undefined) return [{ name: undefined, model, optimizer, period: 1 }];
  return [...model.parts].map(([name, part]) => {
    const own = optimizer.parts?.get(name);
    if (own !== undefined) return { name, model: part, optimizer: own, period: part.period };
    throw new HooklineError(
      'HKL_OPTIMIZER_INVALID',
      `${optimizer.name} is one optimizer for a model of several parts`,
      {
        who: 'option optimizer',
        fix: 'Leave it out, and give each part of alternatingModel its own',
      },
    );
  });
}

/** Multiplies by the inverse, which is exact when the scale is a power of two, as in torch's GradScaler. */
function divideAll(gradients: Record<string, tf.Tensor>, scale: tf.Scalar): void {
  const inverse = div(tf.scalar(1), scale);
  for (const name in gradients) gradients[name] = mul(gradients[name] as tf.Tensor, inverse);
}

/**
 * Hookline's own errors already name their subject. Any other error comes from TensorFlow.js, such as for an op without
 * a gradient.
 */
function gradientsFailed(cause: unknown, model: string): unknown {
  if (cause instanceof HooklineError) return cause;
  return new HooklineError('HKL_MODEL_FAILED', `computing the gradients failed: ${describeCause(cause)}`, {
    who: `model "${model}"`,
    fix: 'The cause below holds the original stack. Where TensorFlow.js has no gradient of an op, compute the same by other ops, or give it one with tf.customGrad',
    cause,
  });
}

function totalAmongLosses(who: string, lossNames: readonly string[]): HooklineError {
  return new HooklineError('HKL_LOSS_NAME', `it gives the loss "total_loss" beside ${lossNames.join(', ')}`, {
    who,
    fix: 'Losses by name are summed, and the sum is stored as total_loss: leave it out, or return it alone and report its parts with scope.metric(name, value)',
  });
}

function noGradients(model: string): HooklineError {
  return new HooklineError('HKL_NO_GRADIENTS', 'the losses depend on none of the trainable variables', {
    who: `model "${model}"`,
    fix: 'Compute the losses from the variables by tensor operations, without reading values',
  });
}
