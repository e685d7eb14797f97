import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import {
  BatchSource,
  CapturedStepRunner,
  createStepRunner,
  modelVariables,
  RunnerScope,
  tf,
  type CaptureMode,
} from '@hookline/tfjs';
import type { Family, FitTraining, HostBatch } from './family.ts';

/** Number of distinct batches, which are used in turn. */
const BATCHES = 5;

/** A training of a family in progress. */
export interface Training {
  /** Trains every model of the family once on its batches. @returns the sum of the losses */
  step(): Promise<number>;
  /** Values of all variables of the models, in a fixed order. */
  values(): number[];
  /** Why steps are not captured; undefined if they are, or if capture is off. */
  readonly reason: string | undefined;
  close(): Promise<void>;
}

/** Starts a training with Hookline's step runners. */
export function startTraining(family: Family, capture: CaptureMode): Training {
  const made = new Set(Object.values(tf.engine().registeredVariables));
  const trainees = family.build().map(({ model, optimizer, times = 1 }) => {
    const runner = createStepRunner({
      model,
      optimizer: optimizer(model),
      hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
      scope: new RunnerScope({ random: 11 }),
      source: new BatchSource(batches(family), { repeat: true }),
      capture,
    });
    return { model, runner, times, done: 0 };
  });
  return {
    step: async () => {
      let sum = 0;
      for (const trainee of trainees) {
        for (let time = 0; time < trainee.times; time++) {
          const iteration = trainee.done++;
          const { losses, totalLoss } = await trainee.runner.run({
            iteration,
            startIteration: 0,
            maxIterations: Infinity,
          });
          sum += (totalLoss ?? Object.values(losses)[0]) as number;
        }
      }
      return sum;
    },
    values: () =>
      trainees.flatMap(({ model }) => [...modelVariables(model).values()].flatMap((each) => [...each.dataSync()])),
    get reason() {
      return trainees
        .map(({ runner }) => (runner instanceof CapturedStepRunner ? runner.status.reason : undefined))
        .find(Boolean);
    },
    close: async () => {
      for (const { runner } of trainees) await runner.close?.();
      for (const variable of Object.values(tf.engine().registeredVariables))
        if (!made.has(variable)) variable.dispose();
    },
  };
}

/** Starts the same training with TensorFlow.js's `compile` and `trainOnBatch`. Undefined if they cannot compute the same. */
export function startFit(family: Family): Training | undefined {
  if (family.fit === undefined) return undefined;
  const made = new Set(Object.values(tf.engine().registeredVariables));
  const { net, inputs, targets, loss, optimizer }: FitTraining = family.fit();
  net.compile({ optimizer, loss: targets.length === 1 ? loss : targets.map(() => loss) });
  const all = batches(family);
  let count = 0;
  return {
    step: async () => {
      const batch = all[count++ % BATCHES] as HostBatch;
      const pick = (names: readonly string[]) =>
        names.map((name) => {
          const { data, shape } = batch[name] as HostBatch[string];
          return tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
        });
      const [x, y] = [pick(inputs), pick(targets)];
      const found = await net.trainOnBatch(
        x.length === 1 ? (x[0] as tf.Tensor) : x,
        y.length === 1 ? (y[0] as tf.Tensor) : y,
      );
      tf.dispose([x, y]);
      return [found].flat()[0] as number;
    },
    values: () => net.getWeights().flatMap((each) => [...each.dataSync()]),
    reason: undefined,
    close: async () => {
      optimizer.dispose();
      for (const variable of Object.values(tf.engine().registeredVariables))
        if (!made.has(variable)) variable.dispose();
    },
  };
}

const batches = (family: Family): HostBatch[] => Array.from({ length: BATCHES }, (_, seed) => family.batch(seed + 1));

/** The largest difference of two lists, relative to the larger of 1 and the wanted value; Infinity for NaN or unequal lengths. */
export function difference(found: readonly number[], wanted: readonly number[]): number {
  if (found.length !== wanted.length) return Infinity;
  return found.reduce((most, value, place) => {
    const other = wanted[place] as number;
    const apart = Math.abs(value - other) / Math.max(1, Math.abs(other));
    return Number.isNaN(apart) ? Infinity : Math.max(most, apart);
  }, 0);
}
