import type { HooklineError, TapWatch } from '@hookline/core';
import tf from '#tfjs';
import { watchNewVariables } from '../step/new-variables.ts';
import { packFigures, type FigureNames } from '../gradients/step-figures.ts';
import type { TrainStep } from '../step/train-step.ts';
import { watchBatch } from './batch-values.ts';
import { captureError } from '../graph/capture-errors.ts';
import { batchInput, scopeInput } from './feed-plan.ts';
import type { NativeBackend } from '../device/native-backend.ts';
import { watchKeptState, type KeptState, type KeptStateChanges } from './kept-state.ts';
import type { Recording } from './record-repeatedly.ts';
import { Recorder } from './recorder.ts';
import { shiftHost } from './shift-host.ts';

/** The name of the output that holds the losses, their sum and the values of the finiteness check. */
const FIGURES = 'figures';
/** The name of the output that holds the metrics that taps reported. A step without metrics does not have it. */
const METRICS = 'metrics';

/** A recorded step and how to run it. */
export interface RecordedStep extends Recording {
  /** The names of the entries of the output `figures`. */
  readonly figures: FigureNames;
  /** The names of the metrics that taps reported through the scope, in the order of the output `metrics`. */
  readonly metrics: readonly string[];
}

/** Options of {@link recordStep}. */
export interface RecordStepOptions {
  readonly backend: NativeBackend;
  readonly step: TrainStep;
  readonly iteration: number;
  readonly batch: unknown;
  /** The tensors of the batch, by path. */
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
  /** Whether the variables stay unchanged where a loss or a gradient is not finite. */
  readonly isChecked: boolean;
  /** Tells which tap is running, for errors. */
  readonly taps: TapWatch | undefined;
  /** The milliseconds by which the host's clocks are advanced during the recording. @default 0 */
  readonly clock?: number | undefined;
  /** Called with the path of each plain value of the batch that the step reads; see `watchBatch`. */
  readonly onRead?: ((path: string) => void) | undefined;
}

/**
 * Runs one step and records it. Afterwards every variable has its previous value, so a later step sees no effect of the
 * recording.
 *
 * @throws HooklineError `HKL_CAPTURE_...` where the step does something that a graph cannot
 */
export function recordStep(options: RecordStepOptions): RecordedStep {
  const { backend, step, iteration, tensors, isChecked, taps, clock = 0, onRead } = options;
  const batch = onRead === undefined ? options.batch : watchBatch(options.batch, onRead);
  const variables = allVariables(step);
  const recorder = new Recorder(backend);
  const restore = snapshot(variables.values());
  const created = watchNewVariables();
  const restoreHost = shiftHost({
    clock,
    onDraw: () => {
      throw recorder.hostRandom('node:crypto or globalThis.crypto');
    },
  });
  const restoreKept = watchKeptState(step.model);
  let kept: KeptStateChanges | undefined;
  const stopObserving = taps?.observe(recorder);
  let recorded: Omit<RecordedStep, Exclude<keyof Recording, 'record'>> | undefined;
  try {
    tf.tidy(() => {
      step.scope.seek(iteration);
      const feeds = new Map<string, tf.Tensor>();
      for (const [name, input] of step.scope.inputs()) {
        feeds.set(name, tf.tensor(input.values(), [...input.shape], input.dtype));
      }
      const inputs = new Map<string, tf.Tensor>();
      for (const [path, tensor] of tensors) inputs.set(batchInput(path), tensor);
      for (const [name, tensor] of feeds) inputs.set(scopeInput(name), tensor);
      recorder.start({ inputs, variables });
      step.scope.onHostDraw = () => {
        throw recorder.hostRandom();
      };
      recorded = step.scope.run(
        iteration,
        () => {
          const { names, packed, guard } = packFigures(step.updateParts(iteration, batch, isChecked));
          const reported = step.scope.takeMetrics();
          const outputs = new Map([[FIGURES, packed]]);
          if (reported.size > 0) outputs.set(METRICS, tf.stack([...reported.values()]));
          tf.dispose([...reported.values()]);
          const record = recorder.finish(outputs, guard);
          return { record, figures: names, metrics: [...reported.keys()] };
        },
        feeds,
      );
    });
  } finally {
    step.scope.onHostDraw = undefined;
    recorder.stop();
    if (recorded === undefined) recorder.free();
    restoreHost();
    kept = restoreKept(created.made.length > 0);
    stopObserving?.();
    restore();
    created.putBack();
  }
  const done = recorded as unknown as RecordedStep;
  const used = new Set<object>(done.record.nodes.flatMap(({ outside }) => outside?.dataId ?? []));
  // A layer may have kept a tensor of the batch itself.
  for (const { dataId } of tensors.values()) used.add(dataId);
  const states = kept.changed.filter(({ before }) => before?.some((dataId) => used.has(dataId)) ?? true);
  if (states.length > 0) {
    recorder.free();
    kept.forget();
    throw keepsState(states);
  }
  return { ...done, madeVariables: created.made.length > 0, free: () => recorder.free(), forget: kept.forget };
}

/** The step's variables, and every other registered variable as `other/<name>`: a tap may use its own variables. */
export function allVariables(step: TrainStep): Map<string, tf.Variable> {
  const variables = new Map(step.variables());
  const known = new Set(variables.values());
  for (const [name, variable] of Object.entries(tf.engine().registeredVariables)) {
    if (!known.has(variable)) variables.set(`other/${name}`, variable);
  }
  return variables;
}

/** Saves the values of variables. @returns a function that restores them; call it once */
export function snapshot(variables: Iterable<tf.Variable>): () => void {
  const before = [...variables].map((variable) => ({ variable, value: tf.keep(variable.clone()) }));
  return () => {
    for (const { variable, value } of before) {
      if (variable.dataId !== value.dataId) variable.assign(value);
      value.dispose();
    }
  };
}

function keepsState([first]: readonly KeptState[]): HooklineError {
  const { owner, field } = first as KeptState;
  return captureError(
    'HKL_CAPTURE_HOST_VALUE',
    `"${owner}" keeps something from one step to the next in its field "${field}", which a graph would not change`,
    {},
    {
      fix: 'Keep it in a variable: stepScope.variable(name, init), a weight of the layer that is not trainable, or tf.variable(...)',
    },
  );
}
