import {
  checkState,
  type CheckpointView,
  definePlugin,
  describeDifferences,
  HooklineError,
  type JsonValue,
  type Logger,
  loggerRef,
  missingEntry,
  type Plugin,
  shortName,
} from '@hookline/core';
import type tf from '#tfjs';
import { z } from 'zod';
import { type BatchSourceState, batchSourceState, type DataFingerprint } from '../batch/batch-position.ts';
import type { BatchSource } from '../batch/batch-source.ts';
import { predictorOf } from '../runners/captured-model.ts';
import { modelRef, modelVariables, type TrainableModel } from '../model/trainable-model.ts';
import { optimizersOf } from '../optim/alternating-optimizer.ts';
import { type Optimizer, optimizerRef } from '../parameters/optimizer.ts';
import { snapshotVariables } from '../variables/snapshot-variables.ts';
import { NON_FINITE, planRestore, type RestoreOptions } from '../variables/restore-variables.ts';
import { type RunnerScope, runnerScopeRef } from '../scope/runner-scope.ts';
import {
  type LoadWeightsOptions,
  planOwnWeights,
  planWeights,
  type WeightsPlan,
  withoutPrefix,
} from '../weights/load-weights.ts';
import { noteAskedRate, rateToSave, resumedRate, savedRate } from './asked-rate.ts';
import { batchSourceRef } from '../batch/batch-services.ts';

const NAME = '@hookline/tfjs/state';
const DATA = 'hookline/data';
const OPTIMIZER = 'hookline/optimizer';

const optimizerState = savedRate.extend({ name: z.string() });

const dataState = batchSourceState.extend({
  fingerprint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

type Variables = ReadonlyMap<string, tf.Variable>;

const factory = definePlugin({
  name: NAME,
  version: '0.1.0',
  description: 'saves weights, optimizer, step variables and the position in the data',
  requires: {
    model: modelRef,
    optimizer: optimizerRef,
    scope: runnerScopeRef,
    source: batchSourceRef,
    logger: loggerRef,
  },
  setup({ hooks, model, optimizer, scope, source, logger }) {
    for (const each of optimizersOf(optimizer.value).values()) noteAskedRate(each);
    hooks.saveState.tap(async (checkpoint) => {
      await scope.value.ranks.align(savedVariables(scope.value));
      const parts: readonly (readonly [prefix: string, variables: Variables])[] = [
        ['model/', modelVariables(model.value)],
        ['optimizer/', optimizer.value.slots()],
        ['scope/', savedVariables(scope.value)],
      ];
      for (const [prefix, variables] of parts) {
        // No step changes the variables before they are written or copied. An undo restores them later, so it needs its
        // own copy.
        const tensors = await snapshotVariables(variables, prefix, checkpoint.purpose === 'undo');
        for (const [name, tensor] of tensors) checkpoint.setTensor(name, tensor);
      }
      for (const [part, each] of optimizersOf(optimizer.value))
        checkpoint.set(entryOf(part), { name: each.name, ...rateToSave(each) });
      const fingerprint = source.value.fingerprint();
      checkpoint.set(DATA, { ...source.value.stateAt(checkpoint.iteration), fingerprint } as unknown as JsonValue);
    });
    hooks.loadState.tap((checkpoint) => {
      if (checkpoint.isForeign) return loadForeign(checkpoint, model.value, logger);
      if (checkpoint.scope === 'weights') {
        const tensors = withoutPrefix(checkpoint.tensors, 'model/');
        loadOwnWeights(checkpoint, model.value.name, modelVariables(model.value), tensors, logger);
        return undefined;
      }
      const keepsOptimizer = restoreTensors(checkpoint, model.value, optimizer.value, scope.value, logger);
      restoreOptimizer(checkpoint, optimizer.value, keepsOptimizer, logger);
      restoreData(checkpoint, source.value, logger);
      return undefined;
    });
    return {
      dispose: () => {
        predictorOf(model.value)?.close();
        scope.value.release();
      },
    };
  },
});

/** The plugin that saves the state of the tfjs runtime in checkpoints. */
export const tfjsState = (): Plugin => factory();

/** Loads weights written by another program, as initial weights of the model. */
export async function loadForeign(checkpoint: CheckpointView, model: TrainableModel, logger: Logger): Promise<void> {
  applyWeights(checkpoint, await planWeights(model, checkpoint.source, weightsOptions(checkpoint)), logger);
}

/** Loads weights of a Hookline checkpoint, as initial weights of a model with these variables. */
export function loadOwnWeights(
  checkpoint: CheckpointView,
  model: string,
  variables: Variables,
  tensors: CheckpointView['tensors'],
  logger: Logger,
): void {
  const plan = planOwnWeights(model, variables, tensors, checkpoint.source, weightsOptions(checkpoint));
  applyWeights(checkpoint, plan, logger);
}

const weightsOptions = (checkpoint: CheckpointView): LoadWeightsOptions => ({
  partial: checkpoint.allowsMismatch('weights'),
  checkFinite: finiteCheck(checkpoint),
});

function applyWeights(checkpoint: CheckpointView, { report, apply }: WeightsPlan, logger: Logger): void {
  const { source } = checkpoint;
  checkpoint.apply(() => {
    apply();
    logger[report.mismatched.length > 0 ? 'warn' : 'info'](`${source}: ${report.summary}`);
    for (const warning of report.warnings) logger.warn(`${source}: ${warning}`);
  });
}

/** @returns whether the optimizer uses the slots of the checkpoint */
function restoreTensors(
  checkpoint: CheckpointView,
  model: Parameters<typeof modelVariables>[0],
  optimizer: Optimizer,
  scope: RunnerScope,
  logger: Logger,
): boolean {
  const { tensors, source } = checkpoint;
  const parts = new Map<string, Variables>([
    ['model/', modelVariables(model)],
    ['scope/', savedVariables(scope)],
    ['optimizer/', optimizer.slots()],
  ]);
  const variables = new Map(
    [...parts].flatMap(([prefix, own]) => [...own].map(([name, variable]) => [prefix + name, variable] as const)),
  );
  const names = [...tensors.keys()].filter((name) => [...parts.keys()].some((prefix) => name.startsWith(prefix)));
  const found = new Map(names.map((name) => [name, tensors.get(name) as NonNullable<ReturnType<typeof tensors.get>>]));
  const fits = (prefix: string): boolean =>
    planRestore(only(variables, prefix), only(found, prefix), { strict: false, checkFinite: false }).report.warnings
      .length === 0;
  const drop = (isDropped: (name: string) => boolean): void => {
    for (const map of [variables, found]) for (const name of map.keys()) if (isDropped(name)) map.delete(name);
  };
  const isForInference = checkpoint.scope === 'inference';
  const mayBeFresh = checkpoint.allowsMismatch('optimizer');
  const isFresh = (mayBeFresh || isForInference) && !fits('optimizer/');
  if (isFresh) {
    drop((name) => name.startsWith('optimizer/'));
    if (!isForInference)
      logger.warn(`the optimizer ${optimizer.name} starts afresh: its state in ${source} does not fit`);
  }
  // Query every name, so that each name in allowMismatch is recognized as a known one.
  const allowed = new Set([...variables.keys(), ...found.keys()].filter((name) => isAllowed(checkpoint, name)));
  drop((name) => allowed.has(name) && (!variables.has(name) || !found.has(name)));
  if (isForInference) {
    // A plugin that only trains, such as freeze, may be here and not in the checkpoint, or the other way round. Of one that
    // both have, such as ema, all variables must be in both.
    const [here, there] = [ownersOf(variables.keys()), ownersOf(found.keys())];
    drop((name) => name.startsWith('scope/') && !(here.has(ownerOf(name)) && there.has(ownerOf(name))));
  }
  const saved = [...optimizersOf(optimizer).keys()].map((part) => savedOptimizer(checkpoint, part)?.name).join(', ');
  const now = [...optimizersOf(optimizer).values()].map(({ name }) => name).join(', ');
  const plan = planRestore(variables, found, {
    strict: true,
    checkFinite: finiteCheck(checkpoint),
    source,
    ...adviceFor(variables, found, isForInference),
    ...(saved === now || fits('optimizer/')
      ? {}
      : {
          fix: `It was saved by the optimizer ${saved}, and this one is ${now}: resume with ${saved}, or begin the optimizer's state afresh with --allow-mismatch optimizer (in code: allowMismatch: ['optimizer'])`,
        }),
  });
  for (const warning of plan.report.warnings) logger.warn(`${source}: ${warning}`);
  checkpoint.apply(plan.apply);
  return !isFresh;
}

/** An undo restores values as they were, so it does not check them. */
export function finiteCheck(checkpoint: CheckpointView): NonNullable<RestoreOptions['checkFinite']> {
  // Query it in any case, so that the name is recognized.
  const isAllowedFor = checkpoint.allowsMismatch(NON_FINITE);
  if (checkpoint.purpose === 'undo') return false;
  return isAllowedFor ? 'warn' : true;
}

const ownersOf = (names: Iterable<string>): Set<string> =>
  new Set([...names].filter((name) => name.startsWith('scope/')).map(ownerOf));

/** The advice for predicting and evaluating, and for the case that only step variables of plugins are missing or left over. */
function adviceFor(
  variables: Variables,
  found: ReadonlyMap<string, unknown>,
  isForInference: boolean,
): { readonly fix?: string } {
  const odd = [...new Set([...variables.keys(), ...found.keys()])].filter(
    (name) => !variables.has(name) || !found.has(name),
  );
  if (odd.length === 0 || !odd.every((name) => name.startsWith('scope/')))
    return isForInference ? { fix: 'Build the same model as for the training of the checkpoint' } : {};
  const owners = [...new Set(odd.map(ownerOf))].map(shortName);
  const list = owners.map((name) => `'${name}'`).join(', ');
  return {
    fix: `${isForInference ? 'Give the same plugins as for its training' : 'Resume with the plugins of that run'}, or, to add what is missing with a fresh state and to drop what is left over, with --allow-mismatch ${owners.join(',')} (in code: allowMismatch: [${list}])`,
  };
}

/** The plugin that a step variable is named after. */
function ownerOf(tensor: string): string {
  const [scope = '', name = ''] = tensor.slice('scope/'.length).split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

function restoreOptimizer(checkpoint: CheckpointView, optimizer: Optimizer, keeps: boolean, logger: Logger): void {
  const { source } = checkpoint;
  for (const [part, each] of optimizersOf(optimizer)) {
    const saved = savedOptimizer(checkpoint, part);
    if (!keeps || saved === undefined) continue;
    const isResumed = checkpoint.scope === 'all';
    if (isResumed && saved.name !== each.name)
      logger.warn(`${each.name} goes on with the state of ${saved.name}, which saved ${source}`);
    const whose = part === undefined ? 'the learning rate' : `the learning rate of the part "${part}"`;
    const rate = isResumed ? resumedRate(each, saved, source, logger, whose) : saved.learningRate;
    checkpoint.apply(() => {
      each.learningRate = rate;
    });
  }
}

/** The entry name of an optimizer in a checkpoint. */
const entryOf = (part: string | undefined): string => (part === undefined ? OPTIMIZER : `${OPTIMIZER}/${part}`);

/** @returns undefined where a checkpoint that is loaded for inference lacks it */
function savedOptimizer(
  checkpoint: CheckpointView,
  part: string | undefined,
): z.output<typeof optimizerState> | undefined {
  if (checkpoint.scope === 'inference' && checkpoint.get(entryOf(part)) === undefined) return undefined;
  return checkedEntry(checkpoint, entryOf(part), 'optimizer', optimizerState);
}

function restoreData(checkpoint: CheckpointView, source: BatchSource, logger: Logger): void {
  const { source: file } = checkpoint;
  // Query it in any case, so that the name is recognized.
  const mayBeginAnew = checkpoint.allowsMismatch('data');
  const isForInference = checkpoint.scope === 'inference';
  if (isForInference && checkpoint.get(DATA) === undefined) return;
  const { fingerprint, ...position } = checkedEntry(checkpoint, DATA, 'data', dataState);
  const fault = source.misfit(position);
  if (isForInference) {
    if (fault === undefined) checkpoint.apply(() => source.restore(position));
    return;
  }
  const now = source.fingerprint();
  const known = Object.keys(now).filter((key) => fingerprint !== undefined && Object.hasOwn(fingerprint, key));
  const changes = known.flatMap((key) => describeDifferences(fingerprint?.[key], now[key], key));
  for (const change of changes) logger.warn(`the data are not those that ${file} was saved with: ${change}`);
  const taken = batchesTaken(position, fingerprint ?? {});
  const isAhead = taken > checkpoint.iteration;
  if (mayBeginAnew && (fault !== undefined || isAhead)) {
    logger.warn(`the data begin anew: the position in ${file} does not fit them`);
    return;
  }
  if (isAhead) {
    logger.warn(
      `the data go on after ${taken} batches, and ${file} was saved after ${checkpoint.iteration} iterations, which take one batch each; to begin the data anew, resume with --allow-mismatch data (in code: allowMismatch: ['data'])`,
    );
  }
  if (fault !== undefined) {
    throw new HooklineError('HKL_STATE_INVALID', `its state in ${file} does not fit: ${fault}`, {
      who: 'data',
      where: `entry ${DATA}`,
      fix: "Resume with the data of that run, or begin the data anew with --allow-mismatch data (in code: allowMismatch: ['data'])",
    });
  }
  checkpoint.apply(() => source.restore(position));
}

/**
 * The least number of batches before a position; 0 when the data source has its own position. It may exceed the number
 * of iterations when a trainer loaded other weights in the middle of a run.
 */
function batchesTaken({ epoch, batches, source }: BatchSourceState, { batches: perEpoch }: DataFingerprint): number {
  if (source !== undefined) return 0;
  // A completed epoch has at least one batch.
  return epoch * (typeof perEpoch === 'number' ? perEpoch : 1) + batches;
}

function checkedEntry<T>(checkpoint: CheckpointView, entry: string, who: string, schema: z.ZodType<T>): T {
  const { source } = checkpoint;
  const found = checkpoint.get(entry);
  if (found === undefined) throw missingEntry(entry, who, source);
  return checkState<z.ZodType<T>>(schema, found.data, { who, entry, source });
}

/** Whether a mismatch is allowed for a step variable, which is named after its plugin. */
function isAllowed(checkpoint: CheckpointView, tensor: string): boolean {
  if (!tensor.startsWith('scope/')) return false;
  const segments = tensor.slice('scope/'.length).split('/');
  return segments.some((_, end) => checkpoint.allowsMismatch(segments.slice(0, end + 1).join('/')));
}

const only = <V>(map: ReadonlyMap<string, V>, prefix: string): Map<string, V> =>
  new Map([...map].filter(([name]) => name.startsWith(prefix)));

function savedVariables(scope: RunnerScope): Variables {
  return new Map(
    [...scope.variables()].filter(([, { saved }]) => saved).map(([name, { variable }]) => [name, variable]),
  );
}
