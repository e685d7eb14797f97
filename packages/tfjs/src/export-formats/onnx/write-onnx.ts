import { join as joinPath } from 'node:path';
import { specOf } from '../../graph/graph-record.ts';
import { exportError } from '../../export-graph/export-errors.ts';
import type { ExportEnd, ExportGraph } from '../../export-graph/export-graph.ts';
import { bytes, int, join, LARGEST_MESSAGE, message } from '../protobuf.ts';
import { writeParts } from '../write-parts.ts';
import { ELEMENTWISE } from './onnx-elementwise.ts';
import { OnnxGraph, onnxType, valueInfo } from './onnx-graph.ts';
import { IMAGES } from './onnx-images.ts';
import { OnnxOp, refuseOps, type OnnxWriter } from './onnx-op.ts';
import { SHAPES } from './onnx-shapes.ts';

/** The version of the ops and the file-format version that came with it, which ONNX Runtime has read since 2022. */
const OPSET = 17;
const IR_VERSION = 8;

export const ONNX_FILE = 'model.onnx';
const WEIGHTS_FILE = 'model.onnx.data';
/**
 * From this size on, the weights go into a separate file: a message is limited to 2 GB, and the graph needs space too.
 */
const MOST_WEIGHTS = LARGEST_MESSAGE - (64 << 20);

const WRITERS: Readonly<Record<string, OnnxWriter>> = { ...ELEMENTWISE, ...SHAPES, ...IMAGES };

/**
 * Writes an ONNX model.
 *
 * @param mostWeights the size of the weights in bytes from which they go into a separate file, for tests
 * @returns the files, relative to the folder
 * @throws HooklineError `HKL_EXPORT_OP` with the names of the ops that have no counterpart
 */
export async function writeOnnx(
  { nodes, inputs, outputs }: ExportGraph,
  folder: string,
  model: string,
  mostWeights = MOST_WEIGHTS,
): Promise<readonly string[]> {
  const missing = nodes.flatMap(({ op, node }) =>
    node.constant === undefined && op !== 'Placeholder' && WRITERS[op] === undefined ? [op] : [],
  );
  if (missing.length > 0) throw refuseOps([...new Set(missing)], model);
  const graph = new OnnxGraph();
  for (const node of nodes) {
    const { constant } = node.node;
    const op = new OnnxOp(graph, node, model);
    if (constant !== undefined) {
      graph.constant(node.name, constant, specOf({ node: node.node, index: 0 }).shape, op.outputType());
    } else WRITERS[node.op]?.(op);
  }
  const end = ({ name, dtype, shape }: ExportEnd) => {
    const type = onnxType(dtype);
    if (type === undefined) throw refuseOps([`${name}, which is of TensorFlow's type ${dtype}`], model);
    return valueInfo(name, type, shape);
  };
  const isApart = graph.constantBytes > mostWeights;
  const { messages, external } = graph.constants(isApart ? WEIGHTS_FILE : undefined);
  const content = join(
    ...graph.nodes.map((node) => message(1, node)),
    bytes(2, model),
    ...messages.map((each) => message(5, each)),
    ...inputs.map((each) => message(11, end(each))),
    ...outputs.map((each) => message(12, end(each))),
  );
  const opset = join(bytes(1, ''), int(2, OPSET));
  const written = join(int(1, IR_VERSION), bytes(2, 'hookline'), message(7, content), message(8, opset));
  if (written.length > LARGEST_MESSAGE) {
    throw exportError('HKL_EXPORT_SIZE', `the graph without its weights has ${written.length} bytes`, model, {
      fix: 'Export it as graph-model',
    });
  }
  await writeParts(joinPath(folder, ONNX_FILE), written.parts);
  if (!isApart) return [ONNX_FILE];
  await writeParts(joinPath(folder, WEIGHTS_FILE), external);
  return [ONNX_FILE, WEIGHTS_FILE];
}
