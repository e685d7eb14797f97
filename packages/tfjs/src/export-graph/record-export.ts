import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { batchInput } from '../recording/feed-plan.ts';
import { pruneAndSort } from '../graph/graph-edit.ts';
import type { GraphRecord } from '../graph/graph-record.ts';
import { asNativeBackend, handleOf, type NativeBackend } from '../device/native-backend.ts';
import { constants } from '../graph/passes/constants.ts';
import { PASSES } from '../graph/passes/pass-list.ts';
import { recordRepeatedly } from '../recording/record-repeatedly.ts';
import { predictionVariables, recordPrediction, type RecordedPrediction } from '../recording/record-prediction.ts';
import { registerKernels } from '../kernels/register-kernels.ts';
import { endNames, nameNodes, type ExportGraph } from './export-graph.ts';
import { exportError, FIX_BATCH } from './export-errors.ts';
import type { ForwardSource } from './forward-source.ts';
import { fixedRecord, freezeOutside, freezeVariables, openBatch } from './open-record.ts';

/** The two numbers of items to compare. Neither is a common kernel or layer size, and they do not differ by 1. */
const ITEMS = [3, 5] as const;

/** The recorded forward pass, ready to be written. */
export interface ExportRecord {
  readonly graph: ExportGraph;
  /** Paths of the inputs, by their names in the graph. */
  readonly inputPaths: ReadonlyMap<string, string>;
  /** Paths of the outputs, by their names in the graph. */
  readonly outputPaths: ReadonlyMap<string, string>;
}

/**
 * Records the forward pass in eval mode: every op that runs, with the weights as constants.
 *
 * @param batch the number of items in the batch; undefined for any number
 * @throws HooklineError `HKL_EXPORT_...`, `HKL_CAPTURE_...`
 */
export function recordExport(model: string, source: ForwardSource, batch: number | undefined): ExportRecord {
  const backend = nativeBackend();
  const isOpen = batch === undefined && source.open.size > 0;
  // Inputs without a batch have one size, so that the number of items makes no difference to them.
  const [first, second] = isOpen ? ITEMS : [batch ?? 1, undefined];
  const recorded = recordItems(backend, model, source, first, true);
  const others: RecordedPrediction[] = [];
  try {
    const { record } = recorded;
    prepare(record);
    const inputs = [...record.inputs].flatMap(([name, { outside }]) => (outside === undefined ? [name] : []));
    const openInput = inputs.find((name) => source.open.has(name.slice(batchInput('').length)));
    if (isOpen && openInput === undefined) {
      throw exportError('HKL_EXPORT_BATCH', 'no output depends on an input with a batch', model, { fix: FIX_BATCH });
    }
    let open = fixedRecord(record);
    if (second !== undefined && openInput !== undefined) {
      const other = recordItems(backend, model, source, second, false);
      others.push(other);
      prepare(other.record);
      open = openBatch({ record, items: first }, { record: other.record, items: second }, openInput, model);
    }
    open = freezeOutside(open);
    constants.run(open.record, { precision: 'float32' });
    const variables = predictionVariables();
    const frozen = freezeVariables(open, (key) =>
      backend.binding.tensorDataSync(handleOf(backend, variables.get(key) as tf.Variable)).slice(),
    );
    return named(frozen.open, frozen.weights, source);
  } finally {
    for (const each of [recorded, ...others]) each.free();
  }
}

function recordItems(
  backend: NativeBackend,
  model: string,
  source: ForwardSource,
  items: number,
  isFirst: boolean,
): RecordedPrediction {
  const { value, tensors } = source.inputsFor(items);
  const record = (clock?: number) =>
    recordPrediction(backend, { who: `model "${model}"` }, () => source.forward(value), tensors, clock);
  try {
    // Comparing several recordings reveals values that the host draws or counts.
    return isFirst ? recordRepeatedly(record) : record();
  } finally {
    tf.dispose([...tensors.values()]);
  }
}

/** Runs all passes except the one that merges equal constants: the batch size may equal an unrelated number. */
function prepare(record: GraphRecord): void {
  pruneAndSort(record);
  for (const pass of PASSES) if (pass !== constants) pass.run(record, { precision: 'float32' });
}

function named(
  open: Parameters<typeof nameNodes>[0],
  weights: Parameters<typeof nameNodes>[1],
  source: ForwardSource,
): ExportRecord {
  const { record } = open;
  const rename = <V>(ends: Map<string, V>, names: (path: string) => string, pathOf: (key: string) => string) => {
    const old = [...ends];
    ends.clear();
    return new Map(
      old.map(([key, value]) => {
        const path = pathOf(key);
        const name = names(path);
        ends.set(name, value);
        return [name, path] as const;
      }),
    );
  };
  const pathOf = (key: string): string => key.slice(batchInput('').length);
  const inputNames = endNames([...record.inputs.keys()].map(pathOf), 'input');
  const outputNames = endNames(record.outputs.keys(), 'output');
  const inputs = rename(record.inputs, (path) => source.names.get(path) ?? inputNames.get(path) ?? path, pathOf);
  const outputs = rename(
    record.outputs,
    (path) => outputNames.get(path) ?? path,
    (key) => key,
  );
  const graph = nameNodes(open, weights);
  // The final names may differ: a format may not allow a name, and an output may have had the name of an input.
  const paths = (ends: ExportGraph['inputs'], by: ReadonlyMap<string, string>): Map<string, string> => {
    const old = [...by.values()];
    return new Map(ends.map(({ name }, place) => [name, old[place] as string]));
  };
  return { graph, inputPaths: paths(graph.inputs, inputs), outputPaths: paths(graph.outputs, outputs) };
}

function nativeBackend(): NativeBackend {
  // These include a gather that does not read its indices on the host, so that embeddings can be recorded.
  registerKernels();
  const backend = asNativeBackend(tf.backend());
  if (backend !== undefined) return backend;
  throw new HooklineError('HKL_CAPTURE_BACKEND', `the backend ${tf.getBackend()} records no TensorFlow graph`, {
    who: 'export',
    fix: 'Run `hookline setup` for native TensorFlow; checkpoints of a training on wasm can be exported there',
  });
}
