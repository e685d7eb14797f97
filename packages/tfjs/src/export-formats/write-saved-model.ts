import { mkdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { bytesOf } from '../graph/graph-def.ts';
import { specOf, type AttributeValue } from '../graph/graph-record.ts';
import { DataType } from '../device/native-backend.ts';
import type { ExportEnd, ExportGraph, ExportNode } from '../export-graph/export-graph.ts';
import { exportError } from '../export-graph/export-errors.ts';
import type { OpenShape } from '../export-graph/open-record.ts';
import { bytes, entry, float, floats, int, ints, join, LARGEST_MESSAGE, message, type Encoded } from './protobuf.ts';
import { writeParts } from './write-parts.ts';

/** The graph version of TensorFlow 2.9, the oldest that tfjs-node ships with; newer versions read it. */
const GRAPH_VERSION = 1087;
/** The tag and the signature that TensorFlow Serving and `tf.saved_model.load` look for. */
export const TAG = 'serve';
const SIGNATURE = 'serving_default';
const METHOD = 'tensorflow/serving/predict';

/**
 * Writes a SavedModel with the signature `serving_default`. The weights are constants.
 *
 * @returns the files, relative to the folder
 * @throws HooklineError `HKL_EXPORT_SIZE` above 2 GB
 */
export async function writeSavedModel(graph: ExportGraph, folder: string, model: string): Promise<readonly string[]> {
  const definition = join(...graph.nodes.map((node) => message(1, nodeDef(node))), message(4, int(1, GRAPH_VERSION)));
  const signature = join(
    ...graph.inputs.map((end) => entry(1, end.name, tensorInfo(end))),
    ...graph.outputs.map((end) => entry(2, end.name, tensorInfo(end))),
    bytes(3, METHOD),
  );
  const saved = join(
    int(1, 1),
    message(2, message(1, bytes(4, TAG), bytes(5, '2.9.1')), message(2, definition), entry(5, SIGNATURE, signature)),
  );
  if (saved.length > LARGEST_MESSAGE) {
    throw exportError(
      'HKL_EXPORT_SIZE',
      `a SavedModel of ${saved.length} bytes is above the 2 GB of its format`,
      model,
      {
        fix: 'Export it as onnx, whose weights then stand in a file beside it, or as graph-model, whose weights are in shards',
      },
    );
  }
  // TensorFlow's loaders expect this folder even when it contains no weights.
  await mkdir(joinPath(folder, 'variables'), { recursive: true });
  await writeParts(joinPath(folder, 'saved_model.pb'), saved.parts);
  return ['saved_model.pb'];
}

function nodeDef({ name, op, inputs, attributes, node }: ExportNode): Encoded {
  const attrs = [...attributes].map(([key, value]) => entry(5, key, attribute(value)));
  if (node.constant !== undefined) {
    const { dtype, shape } = specOf({ node, index: 0 });
    const content =
      dtype === DataType.string
        ? (node.constant as Uint8Array[]).map((value) => bytes(8, value))
        : [bytes(4, bytesOf(node.constant))];
    attrs.push(entry(5, 'value', message(8, int(1, dtype), message(2, shapeOf(shape)), ...content)));
  }
  return join(bytes(1, name), bytes(2, op), ...inputs.map((input) => bytes(3, input)), ...attrs);
}

const shapeOf = (shape: OpenShape): Encoded => join(...shape.map((size) => message(2, int(1, size ?? -1))));

const tensorInfo = ({ name, dtype, shape }: ExportEnd): Encoded =>
  join(bytes(1, `${name}:0`), int(2, dtype), message(3, shapeOf(shape)));

function attribute({ kind, value }: AttributeValue): Encoded {
  switch (kind) {
    case 'string':
      return bytes(2, value);
    case 'int':
      return int(3, value);
    case 'float':
      return float(4, value);
    case 'bool':
      return int(5, value);
    case 'type':
      return int(6, value);
    case 'shape':
      return message(7, shapeOf(value));
    case 'ints':
      return message(1, ints(3, value));
    case 'floats':
      return message(1, floats(4, value));
    case 'types':
      return message(1, ints(6, value));
  }
}
