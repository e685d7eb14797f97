import { mkdirSync } from 'node:fs';
import tf from '#tfjs';
import { captureError } from '../graph/capture-errors.ts';
import { writeGraph } from '../graph/graph-def.ts';
import { countOps } from '../graph/graph-edit.ts';
import { sizeOf, type GraphRecord, type TensorSpec, type VariableSpec } from '../graph/graph-record.ts';
import { asNativeBackend, DataType } from '../device/native-backend.ts';
import type { CachedStep } from '../session/step-cache.ts';

const TYPE_NAMES = new Map<number, string>(Object.entries(DataType).map(([name, number]) => [number, name]));

/** Describes captured steps as text: inputs, variables, casts, and the number of ops of each kind, recorded and in the graph. */
export function describeGraph(steps: readonly CachedStep[]): string {
  if (steps.length === 0) return 'no step has been captured';
  return steps.map((step, place) => describeStep(step, place)).join('\n\n');
}

function describeStep({ recorded, record, changes }: CachedStep, place: number): string {
  const [before, after] = [countOps(recorded.record), countOps(record)];
  const variables = [...record.variables.values()].flatMap(({ variable }) =>
    variable === undefined ? [] : [variable],
  );
  const elements = variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const lines = [
    `graph ${place + 1}: ${recorded.record.nodes.length} ops recorded, ${record.nodes.length} in the graph`,
    `losses: ${recorded.figures.losses.join(', ')}`,
    'inputs:',
    ...[...record.inputs].map(([name, node]) => `  ${name}  ${describeSpec(node.outputs[0])}`),
    `variables: ${variables.length}, of which ${changes.length} change; ${elements} elements`,
    ...variables.map(
      (variable) => `  ${changes.includes(variable.key) ? '*' : ' '} ${variable.key}  ${describeSpec(variable)}`,
    ),
    `casts: ${describeCasts(record)}`,
    'ops (recorded > in the graph):',
    ...[...new Set([...after.keys(), ...before.keys()])].map(
      (op) =>
        `  ${op.padEnd(28)} ${String(before.get(op) ?? 0).padStart(5)} > ${String(after.get(op) ?? 0).padStart(5)}`,
    ),
  ];
  return lines.join('\n');
}

/**
 * Writes the captured graphs as an event file for TensorBoard's graph page. Creates `folder` if it does not exist.
 *
 * @throws HooklineError `HKL_CAPTURE_BACKEND` without the native backend
 */
export function writeGraphEvents(steps: readonly CachedStep[], folder: string): void {
  const backend = asNativeBackend(tf.backend());
  if (backend === undefined) {
    throw captureError('HKL_CAPTURE_BACKEND', `the backend ${tf.getBackend()} has no graphs to write`, {}, {});
  }
  mkdirSync(folder, { recursive: true });
  const { binding } = backend;
  const text = (value: string | Uint8Array): number =>
    binding.createTensor([], DataType.string, [typeof value === 'string' ? Buffer.from(value) : value]);
  const int32 = (value: number): number => binding.createTensor([], DataType.int32, Int32Array.of(value));
  const int64 = (value: number): number => binding.createTensor([], DataType.int64, Int32Array.of(value, 0));
  const used: number[] = [];
  const run = (op: string, inputs: number[], attributes: Parameters<typeof binding.executeOp>[1], outputs: number) => {
    const made = binding.executeOp(op, attributes, inputs, outputs).map(({ id }) => id);
    used.push(...inputs, ...made);
    return made;
  };
  const attribute = (name: string) => ({
    name,
    type: binding.TF_ATTR_STRING,
    value: name === 'container' ? '' : `hookline-graph-${folder}`,
  });
  const [writer] = run('SummaryWriter', [], [attribute('shared_name'), attribute('container')], 1) as [number];
  run('CreateSummaryFileWriter', [writer, text(folder), int32(10), int32(1000), text('.graph')], [], 0);
  run('WriteGraphSummary', [writer, int64(0), text(graphOf(steps).serializeBinary())], [], 0);
  run('CloseSummaryWriter', [writer], [], 0);
  for (const handle of new Set(used)) binding.deleteTensor(handle);
}

/** Returns all steps and their variables as one GraphDef message. */
export function graphOf(steps: readonly CachedStep[]) {
  const variables = new Map<string, VariableSpec>();
  for (const { record } of steps) {
    for (const { variable } of record.variables.values())
      if (variable !== undefined) variables.set(variable.key, variable);
  }
  return writeGraph(variables.values(), steps).graph;
}

function describeSpec(spec: TensorSpec | undefined): string {
  return spec === undefined ? '' : `${TYPE_NAMES.get(spec.dtype) ?? String(spec.dtype)}[${spec.shape.join(', ')}]`;
}

function describeCasts(record: GraphRecord): string {
  const counts = new Map<string, number>();
  for (const { op, attributes } of record.nodes) {
    if (op !== 'Cast') continue;
    const [from, to] = ['SrcT', 'DstT'].map((name) => TYPE_NAMES.get(attributes.get(name)?.value as number) ?? '?');
    const key = `${from} to ${to}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts.size === 0 ? 'none' : [...counts].map(([key, count]) => `${count} from ${key}`).join(', ');
}
