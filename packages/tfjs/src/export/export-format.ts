/**
 * The format of a written model: `graph-model` for TensorFlow.js in browsers and Node, `saved-model` for TensorFlow in
 * Python and TensorFlow Serving, `onnx` for ONNX Runtime, and `layers-model` for `tf.loadLayersModel` (tf.layers models
 * only).
 */
export type ExportFormat = 'graph-model' | 'saved-model' | 'onnx' | 'layers-model';

/** All formats, for messages. */
export const EXPORT_FORMATS: readonly ExportFormat[] = ['graph-model', 'saved-model', 'onnx', 'layers-model'];
