import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import {
  assertKnownOptions,
  claimTempName,
  defineService,
  type HooklineError,
  type OptionNames,
  releaseTempName,
  type ServiceRef,
  VERSION,
} from '@hookline/core';
import tf from '#tfjs';
import { asModel, type ModelLike } from '../model/as-model.ts';
import type { TrainableLayersModel } from '../model/layers-model.ts';
import type { TrainableModel } from '../model/trainable-model.ts';

import { checkWritten, type ExportCheck } from './check-written.ts';
import { TYPE_NAMES, type ExportGraph } from '../export-graph/export-graph.ts';
import { exportError } from '../export-graph/export-errors.ts';
import {
  inputsOfLayers,
  sourceOfExample,
  sourceOfInputs,
  type ExportInputs,
  type ForwardSource,
} from '../export-graph/forward-source.ts';
import { recordExport, type ExportRecord } from '../export-graph/record-export.ts';
import { writeOnnx } from '../export-formats/onnx/write-onnx.ts';
import { openWritten } from './run-written.ts';
import { writeGraphModel } from '../export-formats/write-graph-model.ts';
import { loadWrittenLayers, writeLayersModel } from '../export-formats/write-layers-model.ts';
import { writeSavedModel } from '../export-formats/write-saved-model.ts';
import { EXPORT_FORMATS, type ExportFormat, type WrittenModel } from '../export-formats/written-model.ts';

/** Options of {@link exportModel}. */
export interface ExportModelOptions {
  readonly format: ExportFormat;
  /** The folder to write into; an earlier export in it is replaced. */
  readonly output: string;
  /**
   * The shapes of what `predict` takes.
   * @default the inputs that a tf.layers model declares; other models need this or `example`
   */
  readonly inputs?: ExportInputs | undefined;
  /**
   * A batch on the device, as the model gets it in an evaluation, in place of `inputs`. The written model takes those
   * of its tensors on which the outputs depend, and applies the model's own `inputs` to them, such as scaling pixels.
   */
  readonly example?: unknown;
  /** The number of items in the written model's batch. @default any number */
  readonly batch?: number | undefined;
  /** Further entries for `export.json`, such as the checkpoint of the weights and the names of the classes. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What is known of a model before the format is chosen: its inputs, and facts about it. */
export type ExportSource = Pick<ExportModelOptions, 'inputs' | 'example' | 'details'>;

/** Returns what a trainer's model takes as input. The caller frees the example. */
export const exportSourceRef: ServiceRef<() => Promise<ExportSource>> = defineService('exportSource', {
  description: 'says what the model takes when it is exported, and what shall stand in export.json (buildExport)',
});

const OPTIONS = {
  format: true,
  output: true,
  inputs: true,
  example: true,
  batch: true,
  details: true,
} satisfies OptionNames<ExportModelOptions>;

/** An input or an output of a written model. */
export interface ExportedEnd {
  readonly name: string;
  /** The shape; null stands for the number of items in the batch. */
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
}

/** Describes what was written; also the contents of `export.json`. */
export interface ExportedModel {
  readonly hookline: string;
  readonly format: ExportFormat;
  /** The model's name. */
  readonly model: string;
  /** The files of the model, relative to the folder. */
  readonly files: readonly string[];
  readonly inputs: readonly (ExportedEnd & { readonly range: readonly [number, number] })[];
  readonly outputs: readonly ExportedEnd[];
  /** The comparison with `predict`; a sentence when nothing that is installed could run the model. */
  readonly check: ExportCheck | string;
  /** The entries of `details`. */
  readonly [detail: string]: unknown;
}

/** The name of the description file beside the model. */
export const EXPORT_FILE = 'export.json';

/** The numbers of items that check an open batch: one item, and a number that was not recorded. */
const CHECKED = [1, 4];

/**
 * Writes a model for other programs, together with a description in `export.json`. It records the forward pass in eval
 * mode, as `capture` does, and writes it with the model's current weights. It then runs the written model and compares
 * it with the model's `predict`, before moving the files to their place.
 *
 * @example await exportModel(model, { format: 'graph-model', output: 'web/model', inputs: { shape: [null, 96, 128, 3], range: [0, 255] } });
 *
 * @throws HooklineError `HKL_EXPORT_INPUTS`, `HKL_EXPORT_OPTION`, `HKL_EXPORT_BATCH` when the batch cannot be open,
 * `HKL_EXPORT_OP` for an op that the format lacks, `HKL_EXPORT_SIZE`, `HKL_EXPORT_CHECK` when the written model returns
 * something other than `predict`, and `HKL_CAPTURE_...` for a forward pass that cannot be recorded
 */
export async function exportModel(given: ModelLike, options: ExportModelOptions): Promise<ExportedModel> {
  assertKnownOptions('exportModel', options, OPTIONS);
  const model = asModel(given);
  assertOptions(model, options);
  const { format, output, details } = options;
  const source = sourceOf(model, options);
  try {
    const folder = resolve(output);
    await assertReplaceable(folder, model.name);
    await mkdir(dirname(folder), { recursive: true });
    const temporary = claimTempName(basename(folder));
    const at = join(dirname(folder), temporary);
    try {
      await mkdir(at);
      const written = await (format === 'layers-model'
        ? writeLayers(model, source, at, options)
        : writeGraph(model, source, at, options));
      const exported: ExportedModel = { hookline: VERSION, format, model: model.name, ...written, ...details };
      await writeFile(join(at, EXPORT_FILE), `${JSON.stringify(exported, undefined, 2)}\n`);
      await rm(folder, { recursive: true, force: true });
      await rename(at, folder);
      return exported;
    } finally {
      await rm(at, { recursive: true, force: true });
      releaseTempName(temporary);
    }
  } finally {
    source.dispose();
  }
}

type Written = Pick<ExportedModel, 'files' | 'inputs' | 'outputs' | 'check'>;

async function writeGraph(
  { name: model }: TrainableModel,
  source: ForwardSource,
  folder: string,
  { format, batch }: ExportModelOptions,
): Promise<Written> {
  const kind = format as Exclude<ExportFormat, 'layers-model'>;
  const record = recordExport(model, source, batch);
  const write = { 'graph-model': writeGraphModel, 'saved-model': writeSavedModel, onnx: writeOnnx }[kind];
  const files = await write(record.graph, folder, model);
  return {
    files,
    ...endsOf(record, source),
    check: await check(model, source, record, batch, await openWritten(kind, folder, record.graph)),
  };
}

async function check(
  model: string,
  source: ForwardSource,
  record: Pick<ExportRecord, 'inputPaths' | 'outputPaths'>,
  batch: number | undefined,
  written: WrittenModel | string,
): Promise<ExportCheck | string> {
  if (typeof written === 'string') return written;
  const isOpen = batch === undefined && source.open.size > 0;
  try {
    return await checkWritten(written, {
      ...{ model, source, isOpen, batches: isOpen ? CHECKED : [batch ?? 1] },
      ...{ inputPaths: record.inputPaths, outputPaths: record.outputPaths },
    });
  } finally {
    written.close();
  }
}

function endsOf({ graph, inputPaths }: ExportRecord, source: ForwardSource): Pick<ExportedModel, 'inputs' | 'outputs'> {
  const end = ({ name, shape, dtype }: ExportGraph['inputs'][number]): ExportedEnd => ({
    name,
    shape,
    dtype: TYPE_NAMES[dtype] ?? String(dtype),
  });
  return {
    inputs: graph.inputs.map((input) => ({
      ...end(input),
      range: source.rangeOf(inputPaths.get(input.name) as string),
    })),
    outputs: graph.outputs.map(end),
  };
}

async function writeLayers(
  model: TrainableModel,
  source: ForwardSource,
  folder: string,
  { batch }: ExportModelOptions,
): Promise<Written> {
  const { layers } = model as TrainableLayersModel;
  const files = await writeLayersModel(layers, folder);
  const end = (of: tf.SymbolicTensor): ExportedEnd => ({ name: of.name, shape: of.shape, dtype: of.dtype });
  const paths = (ends: readonly tf.SymbolicTensor[]): Map<string, string> =>
    new Map(ends.map(({ name }, place) => [name, ends.length === 1 ? '' : String(place)]));
  const [inputPaths, outputPaths] = [paths(layers.inputs), paths(layers.outputs)];
  const loaded = await loadWrittenLayers(folder, (path) => readFile(path));
  const written: WrittenModel = {
    runtime: `TensorFlow.js (${tf.getBackend()})`,
    run: async (inputs) => {
      const feeds = [...inputPaths.keys()].map((name) => inputs.get(name) as tf.Tensor);
      const outputs = [loaded.predict(feeds.length === 1 ? (feeds[0] as tf.Tensor) : feeds)].flat();
      const found = await Promise.all(
        outputs.map(async (tensor) => ({ shape: tensor.shape, values: await tensor.data() })),
      );
      tf.dispose(outputs);
      return new Map(
        layers.outputs.map(({ name }, place) => [name, found[place] as { shape: number[]; values: Float32Array }]),
      );
    },
    close: () => loaded.dispose(),
  };
  return {
    files,
    inputs: layers.inputs.map((input) => ({
      ...end(input),
      range: source.rangeOf(inputPaths.get(input.name) as string),
    })),
    outputs: layers.outputs.map(end),
    check: await check(model.name, source, { inputPaths, outputPaths }, batch, written),
  };
}

const isLayers = (model: TrainableModel): model is TrainableLayersModel =>
  (model as Partial<TrainableLayersModel>).layers instanceof tf.LayersModel;

function sourceOf(model: TrainableModel, { format, inputs, example, batch }: ExportModelOptions): ForwardSource {
  // For a tf.layers model, only its layers are written, without any preprocessing of the batch.
  if (format === 'layers-model') {
    if (isLayers(model)) return sourceOfInputs(model, inputsOfLayers(model.layers, model.name), batch);
    throw exportError(
      'HKL_EXPORT_OPTION',
      'it is no tf.layers model, so that there are no layers to write',
      model.name,
      {
        fix: 'Export it as graph-model, saved-model or onnx',
      },
    );
  }
  if (example !== undefined) return sourceOfExample(model, example);
  if (inputs !== undefined) return sourceOfInputs(model, inputs, batch);
  if (isLayers(model)) return sourceOfInputs(model, inputsOfLayers(model.layers, model.name), batch);
  throw exportError('HKL_EXPORT_INPUTS', 'it is not known what it takes', model.name, {
    fix: 'Give inputs: { shape: [null, 96, 128, 3], range: [0, 255] }, or a batch as example',
  });
}

function assertOptions(model: TrainableModel, { format, output, batch, inputs, example }: ExportModelOptions): void {
  const refuse = (what: string, fix: string): HooklineError =>
    exportError('HKL_EXPORT_OPTION', what, model.name, { fix });
  if (!EXPORT_FORMATS.includes(format))
    throw refuse(`there is no format "${format as string}"`, `Known: ${EXPORT_FORMATS.join(', ')}`);
  if (typeof output !== 'string' || output === '')
    throw refuse('its option output is no folder', 'Give the path of a folder');
  if (batch !== undefined && !(Number.isInteger(batch) && batch >= 1))
    throw refuse(
      `its option batch is ${String(batch)}`,
      'Give a whole number from 1 on, or leave it out for any number',
    );
  if (inputs !== undefined && example !== undefined)
    throw refuse('inputs and example exclude each other', 'Give one of them');
  if (model.predict !== undefined) return;
  throw refuse('it has no predict', 'Give it one: functionModel({ predict: (inputs) => ..., ... })');
}

/** Refuses a folder that is neither empty nor an earlier export. */
async function assertReplaceable(folder: string, model: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw exportError('HKL_EXPORT_OPTION', `${folder} cannot be written into`, model, {
      fix: 'Give another folder',
      cause,
    });
  }
  if (names.length === 0 || names.includes(EXPORT_FILE)) return;
  throw exportError('HKL_EXPORT_OPTION', `${folder} holds files that are no earlier export`, model, {
    fix: 'Give another folder, or empty it',
  });
}
