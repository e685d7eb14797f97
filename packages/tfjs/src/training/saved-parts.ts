import {
  assertKnownOptions,
  checkState,
  definePlugin,
  HooklineError,
  type JsonValue,
  type Logger,
  loggerRef,
  missingEntry,
  type OptionNames,
  type Plugin,
  suggestName,
} from '@hookline/core';
import type tf from '#tfjs';
import type { z } from 'zod';
import { batchSourceState } from '../batch/batch-position.ts';
import type { BatchSource } from '../batch/batch-source.ts';
import { asModel, type ModelLike } from '../model/as-model.ts';
import { modelVariables, type TrainableModel } from '../model/trainable-model.ts';
import type { Optimizer } from '../parameters/optimizer.ts';
import { snapshotVariables } from '../variables/snapshot-variables.ts';
import { planRestore } from '../variables/restore-variables.ts';
import type { RunnerScope } from '../scope/runner-scope.ts';
import { noteAskedRate, rateToSave, resumedRate, savedRate } from './asked-rate.ts';
import { assertOptimizer } from '../model/check-parts.ts';
import { weightsError } from '../weights/weights-error.ts';
import { finiteCheck, loadForeign, loadOwnWeights } from './tfjs-state.ts';

/** One part of a training with a user-defined step, with everything that checkpoints save of it. */
export interface SavedPart {
  /** The model to save: a model of Hookline's, a tf.layers model, or variables by name. */
  readonly model?: ModelLike;
  readonly optimizer?: Optimizer;
  readonly scope?: RunnerScope;
  /** The source of the part's batches, whose position is saved. */
  readonly source?: BatchSource;
}

const PART = { model: true, optimizer: true, scope: true, source: true } satisfies OptionNames<SavedPart>;
const NAME = '@hookline/tfjs/parts';

const partState = savedRate.partial().extend({ data: batchSourceState.optional() });

/**
 * A plugin for a `TrainerBase` with a user-defined step. It saves models, optimizers, step variables and data positions
 * in the checkpoints, which otherwise contain none of these. The state of stateful recurrent layers is among the
 * variables of a tf.layers model; any other state that a model keeps in fields or closures is not saved. Each part has
 * its own names in the file, so a variable that several parts share is stored once per part. Nothing is loaded unless
 * all parts fit. `load(file, 'weights')` loads only the models.
 *
 * @example new TrainerBase({ step, plugins: [savedParts({ generator: { model, optimizer }, critic: ..., target: { model } })] })
 * @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option of a part, `HKL_MODEL_INVALID`, `HKL_OPTIMIZER_INVALID`
 */
export function savedParts(parts: Readonly<Record<string, SavedPart>>): Plugin {
  for (const [name, part] of Object.entries(parts)) checkPart(name, part);
  const modelsOf = (): Map<string, tf.Variable> => collect(parts, modelOf);
  const variables = (): Map<string, tf.Variable> => collect(parts, variablesOf);
  return definePlugin({
    name: NAME,
    version: '0.1.0',
    description: 'saves models, optimizers, step variables and data of a step of its own',
    requires: { logger: loggerRef },
    setup({ hooks, logger }) {
      for (const { optimizer } of Object.values(parts)) if (optimizer !== undefined) noteAskedRate(optimizer);
      hooks.saveState.tap(async (checkpoint) => {
        const tensors = await snapshotVariables(variables(), '', checkpoint.purpose === 'undo');
        for (const [name, tensor] of tensors) checkpoint.setTensor(name, tensor);
        for (const [name, { optimizer, source }] of Object.entries(parts)) {
          const state = { ...(optimizer && rateToSave(optimizer)), data: source?.stateAt(checkpoint.iteration) };
          checkpoint.set(`parts/${name}`, JSON.parse(JSON.stringify(state)) as JsonValue);
        }
      });
      hooks.loadState.tap((checkpoint) => {
        const { tensors, source: file, scope } = checkpoint;
        if (checkpoint.isForeign) return loadForeign(checkpoint, onlyModel(parts, file), logger);
        const ours = new Map([...tensors].filter(([name]) => name.startsWith('parts/')));
        if (scope === 'weights') {
          const models = new Map([...ours].filter(([name]) => MODEL.test(name)));
          loadOwnWeights(checkpoint, 'parts', modelsOf(), models, logger);
          return undefined;
        }
        const wanted = variables();
        if (scope === 'inference') {
          const isOdd = (name: string): boolean => !MODEL.test(name) && !(wanted.has(name) && ours.has(name));
          for (const map of [wanted, ours]) for (const name of map.keys()) if (isOdd(name)) map.delete(name);
        }
        const plan = planRestore(wanted, ours, { strict: true, checkFinite: finiteCheck(checkpoint), source: file });
        for (const warning of plan.report.warnings) logger.warn(`${file}: ${warning}`);
        checkpoint.apply(plan.apply);
        // Learning rates and positions in the data are for training.
        if (scope === 'inference') return undefined;
        for (const [name, part] of Object.entries(parts)) {
          const entry = checkpoint.get(`parts/${name}`);
          if (entry === undefined) throw missingEntry(`parts/${name}`, `the part "${name}"`, file);
          const origin = { who: `the part "${name}"`, entry: `parts/${name}`, source: file };
          const change = planPart(name, part, checkState(partState, entry.data, origin), file, logger);
          checkpoint.apply(change);
        }
        return undefined;
      });
      return {};
    },
  })();
}

/** The model to load when the weights do not say to which part they belong. */
function onlyModel(parts: Readonly<Record<string, SavedPart>>, file: string): TrainableModel {
  const models = Object.values(parts).flatMap(({ model }) => (model === undefined ? [] : [model]));
  const [model] = models;
  if (model !== undefined && models.length === 1) return asModel(model);
  throw weightsError(
    'HKL_WEIGHTS_MISMATCH',
    `its weights could be of each of ${models.length} models`,
    file,
    'Say which: loadWeights(model, file)',
  );
}

/** Matches the tensor names of models among those of the parts. */
const MODEL = /^parts\/[^/]+\/model\//;

/**
 * Plans what to restore of a part besides its tensors.
 *
 * @throws HooklineError `HKL_STATE_INVALID` for an invalid data position
 */
function planPart(
  name: string,
  { optimizer, source }: SavedPart,
  { learningRate, askedLearningRate, data }: z.output<typeof partState>,
  file: string,
  logger: Logger,
): () => void {
  const fault = data === undefined ? undefined : source?.misfit(data);
  if (fault !== undefined) throw positionMisfit(name, file, fault);
  const rate =
    optimizer === undefined || learningRate === undefined
      ? undefined
      : resumedRate(
          optimizer,
          { learningRate, askedLearningRate },
          file,
          logger,
          `the learning rate of the part "${name}"`,
        );
  return () => {
    if (optimizer !== undefined && rate !== undefined) optimizer.learningRate = rate;
    if (data !== undefined) source?.restore(data);
  };
}

function checkPart(name: string, part: SavedPart): void {
  // A part may be an object with other properties too, but none that looks like a misspelt option.
  const ours = Object.keys(part).filter((key) => key in PART || suggestName(key, Object.keys(PART)) !== undefined);
  assertKnownOptions(`part "${name}" of savedParts`, Object.fromEntries(ours.map((key) => [key, true])), PART);
  if (name.includes('/')) {
    throw new HooklineError('HKL_OPTION_INVALID', `"${name}" cannot name a part`, {
      who: 'savedParts',
      fix: 'Give a name without "/", which separates the names of tensors',
    });
  }
  if (part.model !== undefined) asModel(part.model);
  if (part.optimizer !== undefined) assertOptimizer(part.optimizer);
}

function positionMisfit(part: string, file: string, fault: string): HooklineError {
  return new HooklineError('HKL_STATE_INVALID', `its state in ${file} does not fit: ${fault}`, {
    who: `data of the part "${part}"`,
    where: `entry parts/${part}`,
    fix: 'Resume with the data of that run',
  });
}

type Named = readonly (readonly [name: string, variable: tf.Variable])[];

function collect(parts: Readonly<Record<string, SavedPart>>, of: (part: SavedPart) => Named): Map<string, tf.Variable> {
  return new Map(
    Object.entries(parts).flatMap(([name, part]) =>
      of(part).map(([key, variable]) => [`parts/${name}/${key}`, variable] as const),
    ),
  );
}

const modelOf = ({ model }: SavedPart): Named =>
  model === undefined ? [] : [...modelVariables(asModel(model))].map(([key, variable]) => [`model/${key}`, variable]);

const variablesOf = (part: SavedPart): Named => [
  ...modelOf(part),
  ...[...(part.optimizer?.slots() ?? [])].map(([key, variable]) => [`optimizer/${key}`, variable] as const),
  ...[...(part.scope?.variables() ?? [])]
    .filter(([, { saved }]) => saved)
    .map(([key, { variable }]) => [`scope/${key}`, variable] as const),
];
