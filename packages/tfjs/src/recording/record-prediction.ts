import tf from '#tfjs';
import { watchNewVariables } from '../step/new-variables.ts';
import { captureError } from '../graph/capture-errors.ts';
import { batchInput } from './feed-plan.ts';
import type { Origin } from '../graph/graph-record.ts';
import type { NativeBackend } from '../device/native-backend.ts';
import { takeApart, type NestedTensors } from './nested-tensors.ts';
import type { Recording } from './record-repeatedly.ts';
import { snapshot } from './record-step.ts';
import { Recorder } from './recorder.ts';
import { shiftHost } from './shift-host.ts';

/** A recorded prediction. */
export interface RecordedPrediction extends Recording {
  /** Rebuilds the structure of the outputs from tensors, given by path. */
  readonly rebuild: NestedTensors['rebuild'];
}

/**
 * Runs a prediction and records it. Every variable has its previous value afterwards.
 *
 * @param origin whom errors name
 * @param inputs the tensors that the prediction depends on, by path
 * @param clock the milliseconds by which the host's clocks are advanced during the recording. Default: 0
 * @throws HooklineError `HKL_CAPTURE_...` where the prediction does something that a graph cannot, or changes a variable
 */
export function recordPrediction(
  backend: NativeBackend,
  origin: Origin,
  predict: () => unknown,
  inputs: ReadonlyMap<string, tf.Tensor>,
  clock = 0,
): RecordedPrediction {
  const variables = predictionVariables();
  const recorder = new Recorder(backend, origin);
  const restore = snapshot(variables.values());
  const created = watchNewVariables();
  const restoreHost = shiftHost({
    clock,
    onDraw: () => {
      throw drawsNumbers(origin);
    },
  });
  let recorded: Pick<RecordedPrediction, 'record' | 'rebuild'> | undefined;
  try {
    tf.tidy(() => {
      recorder.start({
        inputs: new Map([...inputs].map(([path, tensor]) => [batchInput(path), tensor])),
        variables,
      });
      const outputs = takeApart(predict());
      if (typeof outputs === 'string') throw notTensors(outputs, origin);
      const record = recorder.finish(outputs.tensors);
      const [changed] = record.effects.flatMap(({ inputs: [target] }) => target?.node.variable?.key ?? []);
      if (changed !== undefined) throw changesVariable(changed, origin);
      recorded = { record, rebuild: (tensorAt) => outputs.rebuild(tensorAt) };
    });
  } finally {
    recorder.stop();
    if (recorded === undefined) recorder.free();
    restoreHost();
    restore();
    created.putBack();
  }
  const done = recorded as unknown as RecordedPrediction;
  return { ...done, madeVariables: created.made.length > 0, free: () => recorder.free() };
}

/** All registered tfjs variables, by name: a model may use variables that are not its own. */
export const predictionVariables = (): Map<string, tf.Variable> =>
  new Map(Object.entries(tf.engine().registeredVariables));

const notTensors = (what: string, origin: Origin) =>
  captureError('HKL_CAPTURE_READ', `it returns ${what}, which is no tensor`, origin, {
    fix: 'Return tensors in arrays and plain objects, and read them outside of predict',
  });

const drawsNumbers = (origin: Origin) =>
  captureError(
    'HKL_CAPTURE_HOST_VALUE',
    'it draws a random number on the host (node:crypto or globalThis.crypto)',
    origin,
    {
      fix: 'Pass what is drawn as an input, or set capture: "off"',
    },
  );

const changesVariable = (name: string, origin: Origin) =>
  captureError('HKL_CAPTURE_EFFECT', `it changes the variable ${name}`, origin, {
    fix: 'Change state in the train step alone, or set capture: "off"',
  });
