import { resolve } from 'node:path';
import { assertKnownOptions, type HostTensor, isHooklineError, type OptionNames, readCheckpoint } from '@hookline/core';
import type tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import { modelVariables, type TrainableModel } from '../model/trainable-model.ts';
import { type Mismatch, planRestore, type RestoreOptions, type RestoreReport } from '../variables/restore-variables.ts';
import { assertEnough } from './assert-enough.ts';
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
  /** Whether to load whatever fits, however little, instead of raising `HKL_WEIGHTS_MISMATCH`. @default false */
  readonly partial?: boolean;
  /** How weights that are not finite are treated; see `restoreVariables`. @default true */
  readonly checkFinite?: RestoreOptions['checkFinite'];
}

const OPTIONS = { partial: true, checkFinite: true } satisfies OptionNames<LoadWeightsOptions>;

/** The result of loading weights. Variables have the model's names, and tensors left in the file have the file's names. */
export interface WeightsReport extends RestoreReport {
  /** The kind of file in words, such as `safetensors`. */
  readonly kind: string;
  /** The whole report in one sentence, for a log. */
  readonly summary: string;
}

/** Checked weights that are ready to be loaded. */
export interface WeightsPlan {
  readonly report: WeightsReport;
  /** Loads the weights into the model. */
  readonly apply: () => void;
}

/**
 * Loads weights into a model. The file may be a Hookline checkpoint; safetensors of a PyTorch model (one file, or several with
 * their `.index.json`), matched by the model's weight table or its own names; or, for tf.layers models, a Keras file (`.keras`,
 * `.weights.h5`, `.h5`) or a TensorFlow.js `model.json`. Shapes are checked, half precision is widened, and batch norm
 * statistics are loaded too. Nothing in a file is ever executed, and an error leaves the model unchanged.
 *
 * The weights must fit the model: the file must hold at least four fifths of the weights that the model expects, and
 * four fifths of its weights must have a place in the model. Either condition also holds where all misfits are in one layer,
 * such as a head with another number of classes. Where the file uses the model's own names for weights or layers, one of the
 * two conditions is enough, so a backbone can be loaded into a larger model, or the other way round.
 *
 * @param file the path of the file
 * @returns the names of the loaded variables, of those missing in the file, of the tensors left in the file, and the mismatches
 *   of shape or dtype
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for another kind of file, such as a pickle or a web page; `HKL_WEIGHTS_DAMAGED` or
 * `HKL_SAFETENSORS_INVALID` for a damaged file; `HKL_WEIGHTS_NONE` where nothing fits and `HKL_WEIGHTS_MISMATCH` where too
 * little fits; `HKL_STATE_NOT_FINITE` for weights that are not finite; `HKL_WEIGHTS_READER` where the package that reads the
 * file is not installed; and what `readCheckpoint` raises
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

/** Plans the loading of a Hookline checkpoint. @returns undefined for any other file */
async function planCheckpoint(
  model: TrainableModel,
  path: string,
  options: LoadWeightsOptions,
): Promise<WeightsPlan | undefined> {
  let tensors: ReadonlyMap<string, HostTensor>;
  try {
    ({ tensors } = await readCheckpoint(path));
  } catch (error) {
    if (isHooklineError(error, 'HKL_CHECKPOINT_FOREIGN')) return undefined;
    throw error;
  }
  return planOwnWeights(model.name, modelVariables(model), withoutPrefix(tensors, 'model/'), path, options);
}

/** The tensors whose names have a prefix, by the rest of their names. */
export const withoutPrefix = (tensors: ReadonlyMap<string, HostTensor>, prefix: string): Map<string, HostTensor> =>
  new Map(
    [...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
  );

/**
 * As {@link planWeights}, for the tensors of a Hookline checkpoint, which have the names of the variables.
 *
 * @param name of the model, for messages
 * @throws HooklineError `HKL_WEIGHTS_NONE` where nothing fits, `HKL_WEIGHTS_MISMATCH` where too little fits, and
 * `HKL_STATE_NOT_FINITE`
 */
export function planOwnWeights(
  name: string,
  variables: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
  path: string,
  { partial = false, checkFinite = true }: LoadWeightsOptions,
): WeightsPlan {
  const whole = planRestore(variables, tensors, { strict: false, checkFinite: false }).report;
  if (whole.loaded.length === 0) throw nothingLoaded(path);
  const [wanted, offered] = [[...variables.keys()], [...tensors.keys()]];
  const same = offered.filter((each) => variables.has(each));
  const pairs = new Map(same.map((each) => [each, { name: each, layout: 'same' }] as const));
  const loaded = new Map(whole.loaded.map((each) => [each, tensors.get(each) as HostTensor]));
  const matches: Matches = { pairs, expected: wanted, offered, isCertain: true };
  const { mismatched } = whole;
  assertEnough({ path, model: name, variables: wanted, names: offered, matches, loaded, mismatched, partial });
  const fitting = new Map([...variables].filter(([each]) => loaded.has(each)));
  const { report, apply } = planRestore(fitting, loaded, { strict: false, checkFinite, source: path });
  const { warnings } = report;
  return { apply, report: summarized({ ...whole, warnings }, 'checkpoint', variables.size) };
}

/**
 * Makes all the checks of {@link loadWeights} for a file of another program, without changing the model yet.
 *
 * @returns the report, and a function that loads the weights
 * @throws HooklineError what {@link loadWeights} raises for such a file
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

/** Reads the matched tensors. Those that fit are returned in our layout and dtypes, the others as mismatches. */
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
