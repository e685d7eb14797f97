import { describeValue, HooklineError, type NamedTensors, type StepHooks, type TapWatch } from '@hookline/core';
import type tf from '#tfjs';
import { batchTensors } from '../batch/batch-tensors.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { lossFault } from '../gradients/collect-losses.ts';
import { gradientsFault } from '../gradients/gradients.ts';
import type { RunnerScope } from '../scope/runner-scope.ts';
import type { UpdateCondition } from '../scope/update-condition.ts';

/** Describes a disposed tensor for an error message. */
export interface Gone {
  readonly code: string;
  readonly what: string;
  readonly fix: string;
}

type Named = readonly (readonly [name: string, tensor: tf.Tensor])[];

/** The part of a step that {@link StepWatch} needs. */
interface StepWatchOptions {
  readonly model: TrainableModel;
  readonly hooks: StepHooks;
  readonly scope: Pick<RunnerScope, 'update'>;
  readonly taps?: TapWatch | undefined;
}

/**
 * Runs checks after every tap, so that an error names the tap that caused it. What the tap returns must have the right
 * names, dtypes and shapes, and neither the batch nor a weight may have been disposed of. Once a tap of `gradients` has
 * said that the step makes no update, the taps after it are skipped.
 */
export class StepWatch {
  readonly #hooks: StepHooks;
  readonly #taps: TapWatch | undefined;
  readonly #model: TrainableModel;
  readonly #update: UpdateCondition;
  #isOpen = false;
  #weights: Named | undefined;
  #batch: Named = [];
  #gradients: Named = [];
  #trainable: ReadonlyMap<string, tf.Variable> = new Map();

  constructor({ model, hooks, scope, taps }: StepWatchOptions) {
    this.#model = model;
    this.#hooks = hooks;
    this.#update = scope.update;
    this.#taps = taps;
    this.#open();
  }

  /** Call it when a step begins. */
  begin(trainable: ReadonlyMap<string, tf.Variable>, batch: ReadonlyMap<string, tf.Tensor>): void {
    this.#trainable = trainable;
    this.#weights = this.#weightsOf(trainable);
    this.#batch = [...batch];
    if (!this.#isOpen) this.#open();
  }

  #open(): void {
    this.#isOpen = true;
    // Plugins hold their hooks. The hooks must not keep the model alive; the condition of the update does not hold it.
    const self = new WeakRef(this);
    const update = this.#update;
    this.#hooks.gradients.stopWhen(() => update.isOff);
    this.#hooks.batch.setCallerCheck((value) => self.deref()?.batchFault(value));
    this.#hooks.losses.setCallerCheck(lossesFault);
    this.#hooks.gradients.setCallerCheck((value) => self.deref()?.gradientsFault(value as NamedTensors));
    this.#taps?.checkAfterTaps?.((hook) => {
      // After the training, the owner of the model may free it.
      const gone = hook === 'afterTrain' ? undefined : self.deref()?.find();
      return gone === undefined
        ? undefined
        : new HooklineError(gone.code, `it disposed ${gone.what}`, { fix: gone.fix });
    });
  }

  #weightsOf(trainable: ReadonlyMap<string, tf.Variable>): Named {
    return [...trainable, ...this.#model.state()];
  }

  /** Call it when the step no longer needs the batch. */
  endOfBatch(): void {
    this.#batch = [];
  }

  /** Call it when the update begins. These gradients must not be disposed of during the update. */
  beginUpdate(gradients: NamedTensors): void {
    this.#gradients = Object.entries(gradients as Readonly<Record<string, tf.Tensor>>);
  }

  /** Removes what the hooks hold of this watch. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const hook of [this.#hooks.batch, this.#hooks.losses, this.#hooks.gradients]) hook.setCallerCheck(undefined);
    this.#hooks.gradients.stopWhen(undefined);
    this.#taps?.checkAfterTaps?.(undefined);
    this.#weights = undefined;
    this.#trainable = new Map();
  }

  /** The first tensor that the step needs and that has been disposed of; undefined when there is none. */
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

  /** The error for an invalid batch that a tap returned; undefined when the batch is valid. */
  batchFault(value: unknown): HooklineError | undefined {
    const tensors = batchTensors(value);
    const gone = firstGone(tensors);
    if (gone !== undefined) return handsOn('HKL_BATCH_DISPOSED', `a batch whose tensor "${gone}" has been disposed`);
    if (tensors.size > 0 || this.#batch.length === 0) return undefined;
    return handsOn('HKL_TAP_RESULT', `a batch without any tensor (${describeValue(value)})`);
  }

  /** The error for invalid gradients that a tap returned; undefined when they are valid. */
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
