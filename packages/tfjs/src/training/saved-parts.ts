import { definePlugin, HooklineError, type JsonValue, loggerRef, type Plugin } from '@hookline/core';
import type tf from '#tfjs';
import type { BatchSource } from '../batch/batch-source.ts';
import type { BatchSourceState } from '../batch/batch-position.ts';
import { modelVariables, type TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { captureVariables } from '../state/capture-variables.ts';
import { planRestore } from '../state/restore-variables.ts';
import type { StepScope } from '../step/step-scope.ts';
import { finiteCheck } from './tfjs-state.ts';

/** One part of a training whose step is the user's own: what of it checkpoints hold. */
export interface SavedPart {
  readonly model?: TrainableModel;
  readonly optimizer?: Optimizer;
  readonly scope?: StepScope;
  /** Its batches, with their position. */
  readonly source?: BatchSource;
}

const NAME = '@hookline/tfjs/parts';

/**
 * A plugin that makes the checkpoints of a `TrainerBase` with a step of its own hold models, optimizers, step variables and
 * positions in data: without it they hold none of these. The state of stateful recurrent layers is among a `layersModel`'s
 * variables; whatever else a model keeps in fields and closures is not saved. Each part has its own names in the file, so that a
 * variable that several parts share is in it once for each. Nothing is loaded unless all parts fit.
 *
 * @example new TrainerBase({ step, plugins: [savedParts({ generator: { model, optimizer, scope, source }, critic: ... })] })
 */
export function savedParts(parts: Readonly<Record<string, SavedPart>>): Plugin {
  const variables = (): Map<string, tf.Variable> =>
    new Map(
      Object.entries(parts).flatMap(([name, part]) =>
        [...variablesOf(part)].map(([key, variable]) => [`parts/${name}/${key}`, variable] as const),
      ),
    );
  return definePlugin({
    name: NAME,
    version: '0.1.0',
    description: 'saves models, optimizers, step variables and data of a step of its own',
    requires: { logger: loggerRef },
    setup({ hooks, logger }) {
      hooks.saveState.tap(async (checkpoint) => {
        for (const [name, tensor] of await captureVariables(variables())) checkpoint.setTensor(name, tensor);
        for (const [name, { optimizer, source }] of Object.entries(parts)) {
          const state = { learningRate: optimizer?.learningRate, data: source?.state() };
          checkpoint.set(`parts/${name}`, JSON.parse(JSON.stringify(state)) as JsonValue);
        }
      });
      hooks.loadState.tap((checkpoint) => {
        const { tensors, source: file } = checkpoint;
        const ours = new Map([...tensors].filter(([name]) => name.startsWith('parts/')));
        const isWhole = checkpoint.scope !== 'weights';
        const plan = planRestore(variables(), ours, {
          strict: isWhole,
          checkFinite: finiteCheck(checkpoint),
          source: file,
        });
        for (const warning of plan.report.warnings) logger.warn(`${file}: ${warning}`);
        checkpoint.apply(plan.apply);
        if (!isWhole) return;
        for (const [name, { optimizer, source }] of Object.entries(parts)) {
          const saved = checkpoint.get(`parts/${name}`)?.data as
            { readonly learningRate?: number; readonly data?: BatchSourceState } | undefined;
          const { learningRate, data } = saved ?? {};
          const fault = data === undefined ? undefined : source?.misfit(data);
          if (fault !== undefined) throw positionMisfit(name, file, fault);
          checkpoint.apply(() => {
            if (optimizer !== undefined && learningRate !== undefined) optimizer.learningRate = learningRate;
            if (data !== undefined) source?.restore(data);
          });
        }
      });
      return {};
    },
  })();
}

function positionMisfit(part: string, file: string, fault: string): HooklineError {
  return new HooklineError('HKL_STATE_INVALID', `its state in ${file} does not fit: ${fault}`, {
    who: `data of the part "${part}"`,
    where: `entry parts/${part}`,
    fix: 'Resume with the data of that run',
  });
}

function variablesOf({ model, optimizer, scope }: SavedPart): Map<string, tf.Variable> {
  const all = new Map<string, tf.Variable>();
  if (model !== undefined) for (const [key, variable] of modelVariables(model)) all.set(`model/${key}`, variable);
  if (optimizer !== undefined) for (const [key, variable] of optimizer.slots()) all.set(`optimizer/${key}`, variable);
  for (const [key, { variable, saved }] of scope?.variables() ?? []) if (saved) all.set(`scope/${key}`, variable);
  return all;
}
