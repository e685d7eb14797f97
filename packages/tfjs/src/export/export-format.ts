/**
 * What a model is written as: `graph-model` for TensorFlow.js in browsers and Node, `saved-model` for TensorFlow in Python and
 * TensorFlow Serving, `onnx` for ONNX Runtime, `layers-model` for `tf.loadLayersModel`, which takes tf.layers models alone.
 */
export type ExportFormat = 'graph-model' | 'saved-model' | 'onnx' | 'layers-model';

/** All formats, for messages. */
export const EXPORT_FORMATS: readonly ExportFormat[] = ['graph-model', 'saved-model', 'onnx', 'layers-model'];
