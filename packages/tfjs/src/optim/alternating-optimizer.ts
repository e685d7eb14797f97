import { HooklineError, type NamedTensors } from '@hookline/core';
import type tf from '#tfjs';
import type { PartModel } from '../model/trainable-model.ts';
import type { MakeVariable, Optimizer } from '../parameters/optimizer.ts';

/** The optimizers of a model's parts as one optimizer, for code that saves, freezes or inspects an optimizer. */
class AlternatingOptimizer implements Optimizer {
  readonly name: string;
  readonly parts: ReadonlyMap<string, Optimizer>;
  readonly groups: Optimizer['groups'];
  /** Empty, because the step uses the inputs and variants of each part's optimizer. */
  readonly inputs = [];
  readonly variants = [];

  constructor(parts: ReadonlyMap<string, Optimizer>) {
    this.parts = parts;
    this.name = [...parts].map(([part, { name }]) => `${part}: ${name}`).join(', ');
    this.groups = [...parts.values()].flatMap(({ groups }) => groups);
  }

  /** Each part has its own learning rate, so this always throws. @throws HooklineError `HKL_PARTS_RATE` */
  get learningRate(): number {
    throw this.#severalRates();
  }

  set learningRate(_value: number) {
    throw this.#severalRates();
  }

  /** Applies the optimizer of each part, which updates those variables of the part that have gradients. */
  apply(gradients: NamedTensors, variables: ReadonlyMap<string, tf.Variable>): void {
    for (const optimizer of this.parts.values()) optimizer.apply(gradients, variables);
  }

  startLater(names: readonly string[], makeVariable: MakeVariable): () => void {
    const undo = [...this.parts].flatMap(([part, optimizer]) => {
      const known = new Set(optimizer.groups.flatMap((group) => group.names));
      const own = names.filter((name) => known.has(name));
      if (own.length === 0) return [];
      return optimizer.startLater?.(own, (name, init) => makeVariable(`${part}/${name}`, init)) ?? [];
    });
    return () => {
      for (const each of undo) each();
    };
  }

  slots(): ReadonlyMap<string, tf.Variable> {
    return new Map(
      [...this.parts].flatMap(([part, optimizer]) =>
        [...optimizer.slots()].map(([name, slot]) => [`${part}/${name}`, slot] as const),
      ),
    );
  }

  dispose(): void {
    for (const optimizer of this.parts.values()) optimizer.dispose();
  }

  #severalRates(): HooklineError {
    return new HooklineError('HKL_PARTS_RATE', 'each part has a learning rate of its own', {
      who: `optimizer of ${[...this.parts.keys()].join(' and ')}`,
      fix: 'Look at optimizer.parts.get(name).learningRate; a plugin that sets the rate is listed by part: forPart(name, lrScheduler({ ... }))',
    });
  }
}

/** Makes the optimizer of a model of parts from the optimizers that its parts make. */
export function alternatingOptimizer(parts: ReadonlyMap<string, PartModel>): Optimizer {
  return new AlternatingOptimizer(new Map([...parts].map(([name, part]) => [name, part.makeOptimizer()])));
}

/** Returns the optimizers by part; an optimizer without parts is returned under the key undefined. */
export const optimizersOf = (optimizer: Optimizer): ReadonlyMap<string | undefined, Optimizer> =>
  optimizer.parts ?? new Map([[undefined, optimizer]]);
