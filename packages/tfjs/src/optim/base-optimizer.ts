import { HooklineError, type NamedTensors, pickOptions } from '@hookline/core';
import tf from '#tfjs';
import type { TrainableModel } from '../model/trainable-model.ts';
import { scalarInput, type StepInput } from '../scope/step-input.ts';
import type { StepVariant } from '../scope/step-variant.ts';
import { add, mul } from './arithmetic.ts';
import { minimize, type MinimizeOptions } from './minimize.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import {
  PARAMETER_GROUP_OPTIONS,
  parameterGroups,
  type ParameterGroup,
  type ParameterGroupOptions,
} from '../parameters/parameter-groups.ts';

/** The options that all of Hookline's optimizers have. */
export interface BaseOptimizerOptions extends ParameterGroupOptions {
  /** The initial learning rate, a finite number of at least 0; a schedule may change it. */
  readonly learningRate: number;
}

/** The update of one variable. */
export interface ParameterUpdate {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
  readonly learningRate: tf.Scalar;
  /** The weight decay of the parameter's group; undefined where it is 0. */
  readonly weightDecay: tf.Scalar | undefined;
}

/** A base class with parameter groups, learning rates and slots, for optimizers that update each parameter separately. */
export abstract class BaseOptimizer implements Optimizer {
  abstract readonly name: string;
  readonly groups: readonly ParameterGroup[];
  readonly inputs: readonly StepInput[];
  readonly variants: readonly StepVariant[] = [];
  readonly #model: TrainableModel;
  readonly #rates: ReadonlyMap<number, StepInput<tf.Scalar>>;
  readonly #slots = new Map<string, tf.Variable>();
  #learningRate: number;

  /** @throws HooklineError `HKL_OPTIMIZER_OPTION`, and what {@link parameterGroups} raises */
  constructor(model: TrainableModel, options: BaseOptimizerOptions) {
    this.#model = model;
    this.#learningRate = checkedRate(options.learningRate);
    this.groups = parameterGroups(model, pickOptions(options, PARAMETER_GROUP_OPTIONS));
    const rates = new Map<number, StepInput<tf.Scalar>>();
    for (const { lrFactor } of this.groups) {
      if (rates.has(lrFactor)) continue;
      const input = lrFactor === 1 ? 'learning_rate' : `learning_rate*${lrFactor}`;
      rates.set(
        lrFactor,
        scalarInput(input, () => this.#learningRate * lrFactor),
      );
    }
    this.#rates = rates;
    this.inputs = [...rates.values()];
  }

  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(value: number) {
    this.#learningRate = checkedRate(value);
  }

  abstract apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void;

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

  /** Returns the slot of one parameter, such as its momentum. @throws HooklineError `HKL_UNKNOWN_PARAMETER` without one */
  slot(kind: string, parameter: string): tf.Variable {
    const slot = this.#slots.get(`${kind}/${parameter}`);
    if (slot !== undefined) return slot;
    throw new HooklineError('HKL_UNKNOWN_PARAMETER', `the optimizer has no slot for "${parameter}"`, {
      who: this.name,
      fix: 'Make the optimizer after the model is complete, and make parameters trainable before that',
    });
  }

  dispose(): void {
    for (const slot of this.#slots.values()) slot.dispose();
    this.#slots.clear();
  }

  /** Returns the learning rate of a group as a scalar tensor. */
  protected rate({ lrFactor }: ParameterGroup): tf.Scalar {
    return (this.#rates.get(lrFactor) as StepInput<tf.Scalar>).tensor();
  }

  /** Yields each variable that has a gradient, with the learning rate and the weight decay of its group. */
  protected *updates(
    gradients: NamedTensors,
    variables: ReadonlyMap<string, tf.Variable>,
  ): Generator<ParameterUpdate, void> {
    for (const group of this.groups) {
      const learningRate = this.rate(group);
      const weightDecay = group.weightDecay === 0 ? undefined : tf.scalar(group.weightDecay);
      for (const name of group.names) {
        const [variable, gradient] = [variables.get(name), gradients[name]];
        if (variable !== undefined && gradient !== undefined) {
          yield { name, variable, gradient, learningRate, weightDecay };
        }
      }
    }
  }

  /** Yields the same as `updates`, with the weight decay added to the gradients (L2). */
  protected *decayed(
    gradients: NamedTensors,
    variables: ReadonlyMap<string, tf.Variable>,
  ): Generator<ParameterUpdate, void> {
    for (const update of this.updates(gradients, variables)) {
      const { variable, gradient, weightDecay } = update;
      yield weightDecay === undefined ? update : { ...update, gradient: add(gradient, mul(variable, weightDecay)) };
    }
  }

  /** Adds a slot of the same shape for each parameter, filled with `value`. */
  protected addSlots(kind: string, variables: ReadonlyMap<string, tf.Variable>, value = 0): void {
    for (const { names } of this.groups) {
      for (const name of names) {
        this.addSlot(`${kind}/${name}`, () => tf.fill((variables.get(name) as tf.Variable).shape, value));
      }
    }
  }

  /** Adds one slot with the given name and initial value. */
  protected addSlot(name: string, init: () => tf.Tensor): tf.Variable {
    const slot = tf.tidy(() => tf.variable(init(), false));
    this.#slots.set(name, slot);
    return slot;
  }
}

function checkedRate(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new HooklineError('HKL_OPTIMIZER_OPTION', `learningRate is ${String(value)}`, {
    who: 'optimizer',
    fix: 'Give a finite number of at least 0',
  });
}

/** @throws HooklineError `HKL_OPTIMIZER_OPTION` unless `from <= value < to` */
export function checkRange(who: string, option: string, value: number, from: number, to: number): void {
  if (value >= from && value < to) return;
  throw new HooklineError('HKL_OPTIMIZER_OPTION', `${option} is ${value}`, {
    who,
    fix: `Give a number of at least ${from}${to === Infinity ? '' : ` and below ${to}`}`,
  });
}
