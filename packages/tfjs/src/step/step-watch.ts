import { describeValue, HooklineError, type NamedTensors, type StepHooks, type TapWatch } from '@hookline/core';
import type tf from '#tfjs';
import { batchTensors } from '../batch/batch-tensors.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { lossFault } from '../gradients/collect-losses.ts';
import { gradientsFault } from '../gradients/gradients.ts';

/** A tensor that is gone, for an error message. */
export interface Gone {
  readonly code: string;
  readonly what: string;
  readonly fix: string;
}

type Named = readonly (readonly [name: string, tensor: tf.Tensor])[];

/**
 * Checks after every tap what the tap returned and that the tensors which the step needs are still there, so that an error
 * names the tap: what it hands on must have the right names, types and shapes, and neither the batch nor a weight may have been
 * disposed of.
 */
export class StepWatch {
  readonly #hooks: StepHooks;
  readonly #taps: TapWatch | undefined;
  readonly #model: TrainableModel;
  #isOpen = false;
  #weights: Named | undefined;
  #batch: Named = [];
  #gradients: Named = [];
  #trainable: ReadonlyMap<string, tf.Variable> = new Map();

  constructor(model: TrainableModel, hooks: StepHooks, taps: TapWatch | undefined) {
    this.#model = model;
    this.#hooks = hooks;
    this.#taps = taps;
    this.#open();
  }

  /** A step begins. */
  begin(trainable: ReadonlyMap<string, tf.Variable>, batch: ReadonlyMap<string, tf.Tensor>): void {
    this.#trainable = trainable;
    this.#weights = this.#weightsOf(trainable);
    this.#batch = [...batch];
    if (!this.#isOpen) this.#open();
  }

  #open(): void {
    this.#isOpen = true;
    // Plugins hold their hooks, and must not keep the model alive by them.
    const self = new WeakRef(this);
    this.#hooks.batch.verify((value) => self.deref()?.batchFault(value));
    this.#hooks.losses.verify(lossesFault);
    this.#hooks.gradients.verify((value) => self.deref()?.gradientsFault(value as NamedTensors));
    this.#taps?.inspect?.((hook) => {
      // When the training is over, who made the model may free it.
      const gone = hook === 'afterTrain' ? undefined : self.deref()?.find();
      return gone === undefined
        ? undefined
        : new HooklineError(gone.code, `it disposed ${gone.what}`, { fix: gone.fix });
    });
  }

  #weightsOf(trainable: ReadonlyMap<string, tf.Variable>): Named {
    return [...trainable, ...this.#model.state()];
  }

  /** The batch is no longer needed. */
  endOfBatch(): void {
    this.#batch = [];
  }

  /** The update begins, in which these gradients must stay. */
  beginUpdate(gradients: NamedTensors): void {
    this.#gradients = Object.entries(gradients as Readonly<Record<string, tf.Tensor>>);
  }

  /** Takes the checks away from the hooks. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const hook of [this.#hooks.batch, this.#hooks.losses, this.#hooks.gradients]) hook.verify(undefined);
    this.#taps?.inspect?.(undefined);
    this.#weights = undefined;
    this.#trainable = new Map();
  }

  /** The first tensor that should be there and has been disposed. */
  find(): Gone | undefined {
    const weight = firstGone((this.#weights ??= this.#weightsOf(this.#model.trainable())));
    if (weight !== undefined) {
      const fix = 'Leave the variables of the model alone; assign() changes one';
      return { code: 'HKL_VARIABLE_DISPOSED', what: `the variable "${weight}" of the model`, fix };
    }
    const input = firstGone(this.#batch);
    if (input !== undefined) {
      const fix = 'Leave the tensors of the batch alone: they are freed after the step';
      return { code: 'HKL_BATCH_DISPOSED', what: `the tensor "${input}" of the batch`, fix };
    }
    const gradient = firstGone(this.#gradients);
    if (gradient === undefined) return undefined;
    const fix = 'Leave the gradients alone: they are freed after the step';
    return { code: 'HKL_GRADIENT_DISPOSED', what: `the gradient of "${gradient}"`, fix };
  }

  /** What is wrong with a batch that a tap hands on. */
  batchFault(value: unknown): HooklineError | undefined {
    const tensors = batchTensors(value);
    const gone = firstGone(tensors);
    if (gone !== undefined) return handsOn('HKL_BATCH_DISPOSED', `a batch whose tensor "${gone}" has been disposed`);
    if (tensors.size > 0 || this.#batch.length === 0) return undefined;
    return handsOn('HKL_TAP_RESULT', `a batch without any tensor (${describeValue(value)})`);
  }

  /** What is wrong with gradients that a tap hands on. */
  gradientsFault(gradients: NamedTensors): HooklineError | undefined {
    return gradientsFault(gradients, this.#trainable, 'hook gradients');
  }
}

const handsOn = (code: string, what: string): HooklineError =>
  new HooklineError(code, `it hands on ${what}`, {
    fix: 'Return new tensors and dispose none: what a step makes is freed after it',
  });

function lossesFault(losses: unknown): HooklineError | undefined {
  const named = losses as Readonly<Record<string, unknown>>;
  for (const name in named) {
    const fault = lossFault(name, named[name]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function firstGone(tensors: Iterable<readonly [name: string, tensor: tf.Tensor]>): string | undefined {
  for (const [name, tensor] of tensors) if (tensor.isDisposed) return name;
  return undefined;
}
