import { HooklineError, type NamedTensors } from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { StepVariant } from '../scope/step-variant.ts';
import { minimize, type MinimizeOptions } from './minimize.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import type { ParameterGroup } from '../parameters/parameter-groups.ts';

/** A slot in the form of tfjs's optimizers, which keep it in a list at the index of its parameter. */
interface TfjsSlot {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

interface TfjsInternals {
  learningRate: number;
  setLearningRate?(rate: number): void;
  readonly initialAccumulatorValue?: number;
  readonly centered?: boolean;
  [field: string]: unknown;
}

/**
 * The fields in which the optimizers of tfjs 4.22 keep their state: `slots` are lists of variables, given as field and slot
 * name, and `scalars` are single variables.
 */
const STATE: Readonly<
  Record<string, { readonly slots: readonly (readonly [string, string])[]; readonly scalars: readonly string[] }>
> = {
  SGD: { slots: [], scalars: [] },
  Momentum: { slots: [['accumulations', 'momentum']], scalars: [] },
  Adagrad: { slots: [['accumulatedGrads', 'accumulator']], scalars: [] },
  Adadelta: {
    slots: [
      ['accumulatedGrads', 'accum_grad'],
      ['accumulatedUpdates', 'accum_var'],
    ],
    scalars: [],
  },
  Adam: {
    slots: [
      ['accumulatedFirstMoment', 'm'],
      ['accumulatedSecondMoment', 'v'],
    ],
    scalars: ['accBeta1', 'accBeta2'],
  },
  Adamax: {
    slots: [
      ['accumulatedFirstMoment', 'm'],
      ['accumulatedWeightedInfNorm', 'v'],
    ],
    scalars: ['accBeta1', 'iteration'],
  },
  RMSProp: {
    slots: [
      ['accumulatedMeanSquares', 'rms'],
      ['accumulatedMoments', 'momentum'],
    ],
    scalars: [],
  },
};

/** One of tfjs's own optimizers in a step; see {@link tfjsOptimizer}. */
export class TfjsOptimizer implements Optimizer {
  readonly name: string;
  readonly groups: readonly ParameterGroup[];
  readonly inputs = [];
  readonly variants: readonly StepVariant[];
  readonly #model: TrainableModel;
  readonly #optimizer: tf.Optimizer;
  readonly #internals: TfjsInternals;
  readonly #slots = new Map<string, tf.Variable>();
  readonly #learningRate: StepVariant<number>;

  constructor(model: TrainableModel, optimizer: tf.Optimizer) {
    this.#model = model;
    this.#optimizer = optimizer;
    this.#internals = optimizer as unknown as TfjsInternals;
    const className = optimizer.getClassName();
    this.name = `tf.train ${className}`;
    if (this.#internals.centered === true) throw centeredGivesNaN(this.name);
    const trainable = model.trainable();
    this.groups = [{ names: [...trainable.keys()], lrFactor: 1, weightDecay: 0 }];
    // tfjs puts the rate into the step as a constant, so each rate needs its own captured step.
    this.#learningRate = new StepVariant('tfjs_learning_rate', () => this.#internals.learningRate);
    this.variants = [this.#learningRate];
    this.#makeSlots(className, trainable);
  }

  get learningRate(): number {
    return this.#internals.learningRate;
  }

  set learningRate(value: number) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new HooklineError('HKL_OPTIMIZER_OPTION', `learningRate is ${String(value)}`, {
        who: this.name,
        fix: 'Give a finite number of at least 0',
      });
    }
    if (value === this.#internals.learningRate) return;
    if (this.#internals.setLearningRate === undefined) this.#internals.learningRate = value;
    else this.#internals.setLearningRate(value);
  }

  apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    // The list always has every parameter, because tfjs finds slots by position.
    const list = this.groups.flatMap(({ names }) =>
      names.map((name) => ({
        name: (variables.get(name) as tf.Variable).name,
        tensor: gradients[name] as tf.Tensor,
      })),
    );
    tf.tidy(() => {
      this.#optimizer.applyGradients(list);
    });
  }

  /**
   * Makes one update, for training loops without a trainer: computes the loss and its gradients with respect to the variables
   * that the optimizer was made with, and updates these. Other variables do not change. Constraints of tf.layers are applied
   * afterwards. No tensor is left on the device.
   *
   * @param loss a pure function of tensors that returns a float32 scalar
   * @returns the value of the loss before the update
   * @throws HooklineError before any variable changes: `HKL_LOSS_NOT_FINITE`, `HKL_GRADIENT_NOT_FINITE`, `HKL_LOSS_NOT_SCALAR`,
   * `HKL_NO_GRADIENTS` where the loss depends on none of the variables, and what `loss` throws
   * @example const loss = await optimizer.minimize(() => tf.losses.meanSquaredError(y, net.apply(x)));
   */
  minimize(loss: () => tf.Scalar, options?: MinimizeOptions): Promise<number> {
    return minimize(this, this.#model, loss, options);
  }

  slots(): ReadonlyMap<string, tf.Variable> {
    return this.#slots;
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#slots.clear();
  }

  /** Makes all slots at once instead of in the first step, so a checkpoint can be loaded into them. */
  #makeSlots(className: string, trainable: ReadonlyMap<string, tf.Variable>): void {
    const layout = STATE[className];
    if (layout === undefined) {
      throw new HooklineError('HKL_OPTIMIZER_UNSUPPORTED', `its state cannot be saved`, {
        who: this.name,
        fix: `Use one of tf.train's ${Object.keys(STATE).join(', ')}, or implement the Optimizer interface`,
      });
    }
    for (const [field, slot] of layout.slots) {
      const list = this.#internals[field] as (TfjsSlot | undefined)[];
      const init = this.#internals.initialAccumulatorValue ?? 0;
      [...trainable].forEach(([name, variable], index) => {
        const known = list[index];
        const made = known?.variable ?? tf.tidy(() => tf.variable(tf.fill(variable.shape, init), false));
        list[index] = { originalName: `${variable.name}/${slot}`, variable: made };
        this.#slots.set(`${slot}/${name}`, made);
      });
    }
    for (const field of layout.scalars) this.#slots.set(field, this.#internals[field] as tf.Variable);
  }
}

/** Centered, tfjs computes the variance E[g²] - E[g]², which rounding may make negative; its square root is then NaN. */
function centeredGivesNaN(who: string): HooklineError {
  return new HooklineError('HKL_OPTIMIZER_UNSUPPORTED', 'centered, it takes roots of negative numbers, which are NaN', {
    who,
    fix: 'Use rmsprop(model, { learningRate, centered: true }) of @hookline/tfjs',
  });
}

/**
 * Adapts one of tfjs's own optimizers (`tf.train.adam(...)` and the others) to update a model. Its whole state is saved and
 * restored to the bit, which its own `getWeights` and `setWeights` do not do.
 *
 * It has no parameter groups, and its learning rate is a constant of the step: with captured steps, each new rate needs
 * another recording. For schedules use Hookline's own optimizers, such as {@link sgd} and {@link adam}. tfjs's RMSprop and
 * Adagrad add epsilon inside the root; PyTorch and Hookline's {@link rmsprop} and {@link adagrad} add it to the root.
 *
 * @param optimizer the tfjs optimizer; the adapter's `dispose` disposes of it
 * @throws HooklineError `HKL_OPTIMIZER_UNSUPPORTED` for a class of optimizer that is not tfjs's own, and for
 * `tf.train.rmsprop` with `centered`, which gives NaN weights
 */
export const tfjsOptimizer = (model: ModelLike, optimizer: tf.Optimizer): TfjsOptimizer =>
  new TfjsOptimizer(asModel(model), optimizer);
