import { resolve } from 'node:path';
import { assertKnownOptions, type HostTensor, isHooklineError, type OptionNames, readCheckpoint } from '@hookline/core';
import type tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import { modelVariables, type TrainableModel } from '../model/trainable-model.ts';
import { type Mismatch, planRestore, type RestoreOptions, type RestoreReport } from '../variables/restore-variables.ts';
import { assertEnough } from './enough.ts';
import { layersOf, matchLayers, matchOrder } from './match-layers.ts';
import { type Matches, matchNames } from './match-names.ts';
import { asVariableType } from './number-types.ts';
import { openWeights } from './open-weights.ts';
import { layersAmong, someOf } from './some-of.ts';
import { toOurLayout } from './weight-layouts.ts';
import { nothingLoaded, weightsError } from './weights-error.ts';
import type { WeightsFile } from './weights-file.ts';

/** Options of {@link loadWeights}. */
export interface LoadWeightsOptions {
  /** Whether however little fits is loaded, instead of an error. @default false */
  readonly partial?: boolean;
  /** As for `restoreVariables`. @default true */
  readonly checkFinite?: RestoreOptions['checkFinite'];
}

const OPTIONS = { partial: true, checkFinite: true } satisfies OptionNames<LoadWeightsOptions>;

/** What became of weights that were loaded, by our names; what was left in the file by the names there. */
export interface WeightsReport extends RestoreReport {
  /** What the file is, in words. */
  readonly kind: string;
  /** All of it in one sentence, for a log. */
  readonly summary: string;
}

/** What loading weights will do. */
export interface WeightsPlan {
  readonly report: WeightsReport;
  /** Does it. */
  readonly apply: () => void;
}

/**
 * Loads weights into a model: a checkpoint of Hookline; safetensors of PyTorch models (one file, or several with their
 * `.index.json`), by the model's weight table or our own names; Keras (`.keras`, `.weights.h5`, `.h5`) and `model.json` of
 * TensorFlow.js, which fit tf.layers models. Shapes are checked, half precision is widened, the statistics of batch norm come
 * along. Nothing in a file is ever executed, and an error leaves the model as it was.
 *
 * A file of another framework must fit, apart from one layer, such as a head with another number of classes: at least four fifths of the
 * weights that the model expects are in it, and four fifths of those in it have a place. Where it has our own names, or
 * layers with the names of ours, one of the two is enough: that of a backbone for a larger model, or the other way round.
 *
 * @param file its path
 * @returns what was loaded, what of the model stays as it was, what was left in the file, and what has another shape
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for what is no such file, such as a pickle or a web page; `HKL_WEIGHTS_DAMAGED`,
 * `HKL_SAFETENSORS_INVALID`; `HKL_WEIGHTS_NONE`, `HKL_WEIGHTS_MISMATCH` where too little fits; `HKL_STATE_NOT_FINITE`;
 * `HKL_WEIGHTS_READER` where a package is missing to read it with; and what `readCheckpoint` raises
 * @example
 * const { summary } = await loadWeights(model, 'resnet18.safetensors');
 */
export async function loadWeights(
  model: ModelLike,
  file: string,
  options: LoadWeightsOptions = {},
): Promise<WeightsReport> {
  assertKnownOptions('loadWeights', options, OPTIONS);
  const path = resolve(file);
  const { report, apply } =
    (await planCheckpoint(asModel(model), path, options)) ?? (await planWeights(asModel(model), path, options));
  apply();
  return report;
}

/** A checkpoint of Hookline; undefined for any other file. */
async function planCheckpoint(
  model: TrainableModel,
  path: string,
  { checkFinite = true }: LoadWeightsOptions,
): Promise<WeightsPlan | undefined> {
  let tensors: ReadonlyMap<string, HostTensor>;
  try {
    ({ tensors } = await readCheckpoint(path));
  } catch (error) {
    if (isHooklineError(error, 'HKL_CHECKPOINT_FOREIGN')) return undefined;
    throw error;
  }
  const variables = modelVariables(model);
  const plan = planRestore(variables, tensors, { strict: false, prefix: 'model/', checkFinite, source: path });
  if (plan.report.loaded.length === 0) throw nothingLoaded(path);
  return { ...plan, report: summarized(plan.report, 'checkpoint', variables.size) };
}

/**
 * Checks all that {@link loadWeights} checks of a file that Hookline has not written, and leaves the change for later.
 *
 * @throws HooklineError the same
 */
export async function planWeights(
  model: TrainableModel,
  path: string,
  { partial = false, checkFinite = true }: LoadWeightsOptions = {},
): Promise<WeightsPlan> {
  const variables = modelVariables(model);
  const file = await openWeights(path);
  try {
    const matches = matchesOf(model, variables, file, { path, partial });
    const { tensors, mismatched } = await readMatches(matches, variables, file);
    const fitting = new Map([...variables].filter(([name]) => tensors.has(name)));
    const about = { path, model: model.name, variables: [...variables.keys()], names: [...file.tensors.keys()] };
    assertEnough({ ...about, matches, loaded: tensors, mismatched, partial });
    const { report, apply } = planRestore(fitting, tensors, { strict: false, checkFinite, source: path });
    const misfits = new Set(mismatched.map(({ name }) => name));
    const missing = [...variables.keys()].filter((name) => !tensors.has(name) && !misfits.has(name));
    const named = new Set([...matches.pairs.values()].map(({ name }) => name));
    const unexpected = matches.offered.filter((name) => !named.has(name));
    const whole = { ...report, missing, unexpected, mismatched };
    return { apply, report: summarized(whole, file.kind, variables.size) };
  } finally {
    await file.close();
  }
}

function matchesOf(
  model: TrainableModel,
  variables: ReadonlyMap<string, tf.Variable>,
  file: WeightsFile,
  about: { readonly path: string; readonly partial: boolean },
): Matches {
  const { layers: inFile, isOrdered } = file;
  if (inFile !== undefined || isOrdered === true) {
    const layers = layersOf(model);
    if (layers !== undefined) return inFile ? matchLayers(layers, inFile, about) : matchOrder(layers, file, about.path);
    if (inFile !== undefined) throw noLayers(model.name, file.kind, about.path);
  }
  return matchNames([...variables.keys()], [...file.tensors.keys()], model.weightTable?.() ?? {});
}

const noLayers = (model: string, kind: string, path: string): Error =>
  weightsError(
    'HKL_WEIGHTS_FORMAT',
    `it is ${kind}, whose layers fit tf.layers models, and the model "${model}" is none`,
    path,
    'Give the weights as safetensors, with the names of the model or those of its weight table',
  );

/** What fits, in our layout and types, and what does not. */
async function readMatches(
  { pairs }: Matches,
  variables: ReadonlyMap<string, tf.Variable>,
  file: WeightsFile,
): Promise<{ readonly tensors: ReadonlyMap<string, HostTensor>; readonly mismatched: readonly Mismatch[] }> {
  const tensors = new Map<string, HostTensor>();
  const mismatched: Mismatch[] = [];
  for (const [name, { name: foreign, layout }] of pairs) {
    const { dtype, shape } = variables.get(name) as tf.Variable;
    const found = await file.read(foreign);
    const typed = asVariableType(found, dtype);
    const ours = typed && toOurLayout(typed, layout, shape);
    if (ours !== undefined && String(ours.shape) === String(shape)) tensors.set(name, ours);
    else
      mismatched.push({
        name,
        found: `${foreign} ${found.dtype} ${listed(found.shape)}`,
        wanted: `${dtype} ${listed(shape)}`,
      });
  }
  return { tensors, mismatched };
}

const listed = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

function summarized(report: RestoreReport, kind: string, count: number): WeightsReport {
  const { loaded, missing, mismatched, unexpected } = report;
  const parts = [
    `${loaded.length} of the model's ${count} tensors loaded (${kind})`,
    mismatched.length > 0 &&
      `of another shape and not loaded: ${someOf(mismatched.map(({ name, found, wanted }) => `${name} (${found} in the file, ${wanted} in the model)`))}`,
    missing.length > 0 && `not in the file: ${someOf(layersAmong(missing))}`,
    unexpected.length > 0 && `left in the file: ${someOf(layersAmong(unexpected))}`,
  ];
  return { ...report, kind, summary: parts.filter((part) => part !== false).join('; ') };
}
