import tf from '#tfjs';
import { loadNativeBackend } from '../../device/load-native.ts';
import { registerKernels } from '../../kernels/register-kernels.ts';
import { gateEffects, orderEffects } from '../effects.ts';
import { countOps, pruneAndSort } from '../graph-edit.ts';
import { copyRecord, type GraphRecord } from '../graph-record.ts';
import { GraphSession } from '../../session/graph-session.ts';
import { asNativeBackend, handleOf, type NativeBackend } from '../../device/native-backend.ts';
import { Recorder } from '../../recording/recorder.ts';
import type { GraphPass, PassOptions } from './graph-pass.ts';

/** Loads the backend on which graphs run. */
export async function useNative(): Promise<void> {
  await loadNativeBackend(true);
  registerKernels();
}

/** Numbers that repeat in no simple pattern. */
export const wave = (shape: number[], phase = 0): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 12.9898 + phase)),
    shape,
  );

export interface PassTrial {
  /** Ops before and after the pass. */
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
  readonly record: GraphRecord;
  /** What the function returned eagerly, and what the graph returns after the pass. */
  readonly eager: readonly (readonly number[])[];
  readonly graph: readonly (readonly number[])[];
  /** The variables after two eager runs, and after two runs of the graph. */
  readonly eagerVariables: Readonly<Record<string, readonly number[]>>;
  readonly graphVariables: Readonly<Record<string, readonly number[]>>;
}

/** Records a function of tensors and variables, sends the record through a pass, and runs both ways. */
export function tryPass(
  pass: GraphPass,
  inputs: Readonly<Record<string, tf.Tensor>>,
  fn: () => tf.Tensor[],
  options: PassOptions = { precision: 'float32' },
): PassTrial {
  const backend = asNativeBackend(tf.backend()) as NativeBackend;
  const variables = new Map(Object.entries(tf.engine().registeredVariables));
  const named = new Map(Object.entries(inputs));
  const start = new Map([...variables].map(([name, variable]) => [name, variable.clone()]));
  const reset = () => variables.forEach((variable, name) => variable.assign(start.get(name) as tf.Tensor));
  const numbers = (tensors: tf.Tensor[]) => tensors.map((tensor) => [...tensor.dataSync()]);
  const state = () => Object.fromEntries([...variables].map(([name, variable]) => [name, [...variable.dataSync()]]));

  const recorder = new Recorder(backend);
  recorder.start({ inputs: named, variables });
  const results = fn();
  const recorded = recorder.finish(new Map(results.map((result, i) => [String(i), result])));
  reset();
  fn();
  const eager = numbers(fn());
  const eagerVariables = state();
  reset();

  const record = copyRecord(recorded);
  pruneAndSort(record);
  pass.run(record, options);
  orderEffects(record);
  gateEffects(record);
  pruneAndSort(record);
  const specs = [...record.variables.values()].flatMap(({ variable }) => (variable === undefined ? [] : [variable]));
  const session = new GraphSession(backend.binding, specs, [{ name: 'trial', record }]);
  try {
    session.write(specs.map(({ key }) => ({ key, handle: handleOf(backend, start.get(key) as tf.Tensor) })));
    const handles = session.inputsOf('trial').map((name) => handleOf(backend, named.get(name) as tf.Tensor));
    session.run('trial', handles);
    const outputs = session.run('trial', handles).map(({ id }) => id);
    const keys = specs.map(({ key }) => key);
    const values = session.read(keys);
    const read = (id: number) => [...(backend.binding.tensorDataSync(id) as Float32Array)];
    const graphVariables = {
      ...eagerVariables,
      ...Object.fromEntries(keys.map((key, i) => [key, read(values[i]?.id as number)])),
    };
    const graph = outputs.map(read);
    return {
      before: countOps(recorded),
      after: countOps(record),
      record,
      eager,
      graph,
      eagerVariables,
      graphVariables,
    };
  } finally {
    session.close();
  }
}

/** Expects that graph and eager agree to within rounding. */
export function expectAgreement(trial: PassTrial, tolerance = 1e-6): void {
  expect(trial.graph).toHaveLength(trial.eager.length);
  const pairs = [
    ...trial.eager.map((values, i) => [values, trial.graph[i] ?? []] as const),
    ...Object.entries(trial.eagerVariables).map(
      ([name, values]) => [values, trial.graphVariables[name] ?? []] as const,
    ),
  ];
  for (const [eager, graph] of pairs) {
    expect(graph).toHaveLength(eager.length);
    eager.forEach((value, i) => {
      expect(Math.abs(value - (graph[i] as number))).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
    });
  }
}
