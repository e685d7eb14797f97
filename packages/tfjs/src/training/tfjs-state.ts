import {
  type CheckpointView,
  definePlugin,
  HooklineError,
  type JsonValue,
  loggerRef,
  type Plugin,
} from '@hookline/core';
import type * as tf from '@tensorflow/tfjs';
import type { BatchSourceState } from '../batch/batch-source.ts';
import { predictorOf } from '../model/captured-model.ts';
import { modelRef, modelVariables } from '../model/trainable-model.ts';
import { optimizerRef } from '../optim/optimizer.ts';
import { captureVariables } from '../state/capture-variables.ts';
import { restoreVariables } from '../state/restore-variables.ts';
import { type StepScope, stepScopeRef } from '../step/step-scope.ts';
import { batchSourceRef } from './batch-source-ref.ts';

const NAME = '@hookline/tfjs/state';
const DATA = 'hookline/data';
const OPTIMIZER = 'hookline/optimizer';

const factory = definePlugin({
  name: NAME,
  version: '0.1.0',
  description: 'saves weights, optimizer, step variables and the position in the data',
  requires: {
    model: modelRef,
    optimizer: optimizerRef,
    scope: stepScopeRef,
    source: batchSourceRef,
    logger: loggerRef,
  },
  setup({ hooks, model, optimizer, scope, source, logger }) {
    const parts = (): readonly (readonly [prefix: string, variables: ReadonlyMap<string, tf.Variable>])[] => [
      ['model/', modelVariables(model.value)],
      ['optimizer/', optimizer.value.slots()],
      ['scope/', savedVariables(scope.value)],
    ];
    hooks.saveState.tap(async (checkpoint) => {
      for (const [prefix, variables] of parts()) {
        for (const [name, tensor] of await captureVariables(variables, prefix)) checkpoint.setTensor(name, tensor);
      }
      checkpoint.set(OPTIMIZER, { name: optimizer.value.name, learningRate: optimizer.value.learningRate });
      checkpoint.set(DATA, source.value.stateAt(checkpoint.iteration) as unknown as JsonValue);
    });
    hooks.loadState.tap((checkpoint) => {
      if (checkpoint.scope === 'weights') {
        const { tensors, source: file } = checkpoint;
        const report = restoreVariables(modelVariables(model.value), tensors, {
          strict: false,
          prefix: 'model/',
          source: file,
        });
        for (const warning of report.warnings) logger.warn(`${file}: ${warning}`);
        if (report.loaded.length === 0) throw nothingLoaded(file);
        return;
      }
      restoreAll(checkpoint, parts());
      const saved = checkpoint.get(OPTIMIZER)?.data as { learningRate: number } | undefined;
      if (saved !== undefined) optimizer.value.learningRate = saved.learningRate;
      const position = checkpoint.get(DATA)?.data as BatchSourceState | undefined;
      if (position !== undefined) source.value.restore(position);
    });
    return {
      dispose: () => {
        predictorOf(model.value)?.close();
        scope.value.release();
      },
    };
  },
});

/** The plugin that makes checkpoints hold what the tfjs runtime keeps. */
export const tfjsState = (): Plugin => factory();

function restoreAll(
  { tensors, source, purpose }: CheckpointView,
  parts: readonly (readonly [string, ReadonlyMap<string, tf.Variable>])[],
): void {
  // All in one call, so that a mismatch in the last part leaves the first ones as they are.
  const all = new Map(
    parts.flatMap(([prefix, variables]) =>
      [...variables].map(([name, variable]) => [prefix + name, variable] as const),
    ),
  );
  const ours = new Map([...tensors].filter(([name]) => parts.some(([prefix]) => name.startsWith(prefix))));
  restoreVariables(all, ours, { strict: true, checkFinite: purpose === 'file', source });
}

function savedVariables(scope: StepScope): ReadonlyMap<string, tf.Variable> {
  return new Map(
    [...scope.variables()].filter(([, { saved }]) => saved).map(([name, { variable }]) => [name, variable]),
  );
}

function nothingLoaded(file: string): HooklineError {
  return new HooklineError('HKL_WEIGHTS_NONE', 'none of its tensors fits the model', {
    who: file,
    fix: 'Load a checkpoint of a model with the same layers',
  });
}
