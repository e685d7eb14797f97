import { definePlugin, type PluginInput, type TrainerBase } from '@hookline/core';
import { tinyTraining, type TinyTrainingOptions } from '@hookline/testing';
import {
  snapshotVariables,
  modelRef,
  modelVariables,
  optimizerRef,
  stepScopeRef,
  tf,
  trainingStepRef,
} from '@hookline/tfjs';

/** Eager and captured. */
export const MODES = ['off', 'required'] as const;
/** Only native TensorFlow runs graphs. */
export const isHere = (capture: 'off' | 'required') => capture === 'off' || tf.getBackend() === 'tensorflow';
/** Makes the loss at some iterations so large that it is finite, and its gradient times the scale is not. */
export const spikes = (at: (iteration: number) => boolean) =>
  definePlugin({
    name: 'spikes',
    version: '1.0.0',
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      hooks.beforeStep.tap((step) => void ({ iteration } = step));
      const factor = scope.value.input('spikes', () => (at(iteration) ? 2 ** 115 : 1));
      hooks.losses.tap(({ total_loss: loss }) => ({ total_loss: tf.mul(loss as tf.Scalar, factor.tensor()) }));
    },
  })();

/** Makes the gradients of some iterations infinite, whatever the scale, and leaves the loss as it is. */
export const bursts = (at: (iteration: number) => boolean) =>
  definePlugin({
    name: 'bursts',
    version: '1.0.0',
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      hooks.beforeStep.tap((step) => void ({ iteration } = step));
      const factor = scope.value.input('bursts', () => (at(iteration) ? Infinity : 1));
      const burst = tf.customGrad((x) => ({
        value: (x as tf.Tensor).clone(),
        gradFunc: (dy: tf.Tensor) => dy.mul(factor.tensor()),
      }));
      hooks.losses.tap(({ total_loss: loss }) => ({ total_loss: burst(loss as tf.Scalar) as tf.Scalar }));
    },
  })();

/** The bits of weights and optimizer, and the values of the scaler, after every step. */
export function stepLog() {
  const log: { readonly training: Record<string, number[]>; readonly scaler: number[] }[] = [];
  const plugin = definePlugin({
    name: 'step-log',
    version: '1.0.0',
    requires: { model: modelRef, optimizer: optimizerRef, step: trainingStepRef },
    setup({ hooks, model, optimizer, step }) {
      const look = async () => {
        const variables = new Map([...modelVariables(model.value), ...optimizer.value.slots()]);
        const tensors = await snapshotVariables(variables);
        const bits = [...tensors].map(([name, { data }]) => [
          name,
          [...new Uint32Array(data.buffer, data.byteOffset, data.length)],
        ]);
        const own = [...step.value.variables()].filter(([name]) => name.includes('loss-scaling'));
        log.push({
          training: Object.fromEntries(bits) as Record<string, number[]>,
          scaler: own.flatMap(([, variable]) => [...variable.dataSync()]),
        });
      };
      hooks.beforeTrain.tap(look);
      hooks.afterStep.tap(look);
    },
  })();
  return { log, plugin };
}

/** A tiny training with these plugins, done. */
export const train = async (plugins: PluginInput[], options: TinyTrainingOptions = {}) => {
  const trainer = tinyTraining({ plugins, ...options });
  await trainer.train();
  return trainer;
};

/** All values of a scalar. */
export const scalars = (trainer: TrainerBase, name: string) =>
  trainer.storage
    .history(name)
    .values()
    .map(({ value }) => value);
