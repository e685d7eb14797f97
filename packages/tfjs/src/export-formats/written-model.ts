import type tf from '#tfjs';

/**
 * The format of a written model: `graph-model` for TensorFlow.js in browsers and Node, `saved-model` for TensorFlow in
 * Python and TensorFlow Serving, `onnx` for ONNX Runtime, and `layers-model` for `tf.loadLayersModel` (tf.layers models
 * only).
 */
export type ExportFormat = 'graph-model' | 'saved-model' | 'onnx' | 'layers-model';

/** All formats, for messages. */
export const EXPORT_FORMATS: readonly ExportFormat[] = ['graph-model', 'saved-model', 'onnx', 'layers-model'];

/** An output of a written model, on the host. */
export interface HostOutput {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** A written model that can be run. */
export interface WrittenModel {
  /** The runtime that runs it. */
  readonly runtime: string;
  /** @param inputs tensors by name; the caller keeps ownership */
  run(inputs: ReadonlyMap<string, tf.Tensor>): Promise<ReadonlyMap<string, HostOutput>>;
  close(): void;
}
