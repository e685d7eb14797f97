import { describeCause, isHooklineError } from '@hookline/core';
import tf from '#tfjs';
import { asNativeBackend } from '../device/native-backend.ts';
import { exportError, FIX_BATCH } from '../export-graph/export-errors.ts';
import { valueAt } from '../export-graph/export-graph.ts';
import type { ForwardSource } from '../export-graph/forward-source.ts';
import type { HostOutput, WrittenModel } from '../export-formats/written-model.ts';

/** The permitted difference, relative to the largest number of the output: it covers only the order of sums. */
const TOLERANCE = 1e-4;
/** GPUs multiply with shortened mantissas. */
const TOLERANCE_GPU = 5e-3;

/** The result of comparing a written model with `predict`. */
export interface ExportCheck {
  /** The runtime that ran the written model. */
  readonly runtime: string;
  /** The numbers of items in the compared batches. */
  readonly batches: readonly number[];
  /** The largest difference, relative to the largest number of the same output. */
  readonly difference: number;
}

/** The model to compare with its written form. */
export interface CheckedModel {
  readonly model: string;
  readonly source: ForwardSource;
  readonly inputPaths: ReadonlyMap<string, string>;
  readonly outputPaths: ReadonlyMap<string, string>;
  readonly isOpen: boolean;
  readonly batches: readonly number[];
}

/**
 * Runs the written model and compares its outputs with those of the model's `predict`.
 *
 * @throws HooklineError `HKL_EXPORT_CHECK` when the outputs differ, `HKL_EXPORT_OP` when the runtime lacks an op
 */
export async function checkWritten(written: WrittenModel, checked: CheckedModel): Promise<ExportCheck> {
  let difference = 0;
  for (const items of checked.batches) difference = Math.max(difference, await checkItems(written, checked, items));
  return { runtime: written.runtime, batches: checked.batches, difference };
}

async function checkItems(written: WrittenModel, checked: CheckedModel, items: number): Promise<number> {
  const { source, inputPaths, outputPaths } = checked;
  const { value, tensors } = source.inputsFor(items);
  const wanted = tf.tidy(() => source.forward(value) as tf.TensorContainer);
  const fix = checked.isOpen
    ? `${FIX_BATCH}. If it differs then as well, this is a defect of Hookline`
    : 'This is a defect of Hookline';
  const fail = (what: string, cause?: unknown): Error =>
    exportError(
      'HKL_EXPORT_CHECK',
      `the written model, run in ${written.runtime} on ${items} items, ${what}`,
      checked.model,
      { fix, cause },
    );
  try {
    const feeds = new Map([...inputPaths].map(([name, path]) => [name, tensors.get(path) as tf.Tensor]));
    let outputs: ReadonlyMap<string, HostOutput>;
    try {
      outputs = await written.run(feeds);
    } catch (error) {
      if (isHooklineError(error)) throw error;
      throw missingOp(error, written.runtime, checked.model) ?? fail(`fails: ${describeCause(error)}`, error);
    }
    let worst = 0;
    for (const [name, path] of outputPaths) {
      const want = valueAt(wanted, path) as tf.Tensor;
      const got = outputs.get(name);
      if (got === undefined) throw fail(`gives no "${name}"`);
      if (got.shape.join() !== want.shape.join())
        throw fail(`gives "${name}" of shape [${got.shape.join()}] where predict gives [${want.shape.join()}]`);
      const off = distance(got.values, await want.data(), want.dtype);
      if (!(off <= toleranceOf()))
        throw fail(`gives "${name}" that is off by ${off.toPrecision(2)} of its largest number`);
      worst = Math.max(worst, off);
    }
    return worst;
  } finally {
    tf.dispose([...tensors.values()]);
    tf.dispose(wanted as tf.Tensor);
  }
}

const toleranceOf = (): number =>
  asNativeBackend(tf.backend())?.isUsingGpuDevice === true ? TOLERANCE_GPU : TOLERANCE;

/** The largest difference, relative to the largest number; Infinity when integers or non-finite values differ. */
function distance(got: ArrayLike<number>, want: ArrayLike<number>, dtype: string): number {
  let [largest, difference] = [0, 0];
  for (let place = 0; place < want.length; place++) {
    const [a, b] = [Number(got[place]), Number(want[place])];
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
      continue;
    }
    if (dtype !== 'float32' || !Number.isFinite(a) || !Number.isFinite(b)) return Infinity;
    largest = Math.max(largest, Math.abs(b));
    difference = Math.max(difference, Math.abs(a - b));
  }
  // For an output that is almost zero everywhere, the divisor is 1e-6.
  return difference === 0 ? 0 : difference / Math.max(largest, 1e-6);
}

/** Returns the error for an op that a runtime lacks, naming the op; undefined when `error` is about something else. */
export function missingOp(error: unknown, runtime: string, model: string): Error | undefined {
  const text = describeCause(error);
  const found =
    /Unknown op '(?<op>\w+)'/.exec(text) ??
    /Kernel '(?<op>\w+)' not registered/.exec(text) ??
    /(?:No Op registered for|Could not find an implementation for) (?<op>\w+)/.exec(text);
  const op = found?.groups?.['op'];
  if (op === undefined) return undefined;
  return exportError('HKL_EXPORT_OP', `${runtime} has no ${op}, which the model uses`, model, {
    fix: 'Write that part of the model with other ops, or export it in another format',
    cause: error,
  });
}
