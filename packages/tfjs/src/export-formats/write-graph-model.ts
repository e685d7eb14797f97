import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf } from '../graph/graph-def.ts';
import { specOf, type AttributeValue } from '../graph/graph-record.ts';
import { DataType } from '../device/native-backend.ts';
import { TYPE_NAMES, type ExportEnd, type ExportGraph } from '../export-graph/export-graph.ts';
import { exportError } from '../export-graph/export-errors.ts';
import type { OpenShape } from '../export-graph/open-record.ts';
import { writeParts } from './write-parts.ts';

/** The size in bytes of one file of weights, which browsers and servers cache well. */
const SHARD = 4 << 20;
const GRAPH_VERSION = 1087;

/** TensorFlow's names of element types in a graph in JSON. */
const JSON_TYPES: Readonly<Record<number, string>> = {
  [DataType.float32]: 'DT_FLOAT',
  [DataType.int32]: 'DT_INT32',
  [DataType.bool]: 'DT_BOOL',
  [DataType.uint8]: 'DT_UINT8',
  [DataType.string]: 'DT_STRING',
  [DataType.complex64]: 'DT_COMPLEX64',
};

/**
 * Writes a GraphModel for `tf.loadGraphModel`: `model.json` and files of weights.
 *
 * @returns the files, relative to the folder
 * @throws HooklineError `HKL_EXPORT_OP` for an element type that the format does not support
 */
export async function writeGraphModel(graph: ExportGraph, folder: string, model: string): Promise<readonly string[]> {
  const typeName = (dtype: number): string => {
    const name = JSON_TYPES[dtype];
    if (name !== undefined) return name;
    throw exportError('HKL_EXPORT_OP', `a GraphModel has no elements of TensorFlow's type ${dtype}`, model, {
      fix: 'Export it as saved-model',
    });
  };
  const weights: object[] = [];
  const parts: Uint8Array[] = [];
  const node = graph.nodes.map((each) => {
    const attr = Object.fromEntries(
      [...each.attributes].map(([key, value]) => [key, attribute(value, typeName)] as const),
    );
    const { constant } = each.node;
    if (constant !== undefined) {
      const { dtype, shape } = specOf({ node: each.node, index: 0 });
      if (dtype === DataType.string) {
        throw exportError('HKL_EXPORT_OP', 'text in the graph cannot be written into a GraphModel', model, {
          fix: 'Export it as saved-model',
        });
      }
      attr['value'] = { tensor: { dtype: typeName(dtype), tensorShape: shapeOf(shape) } };
      weights.push({ name: each.name, shape, dtype: TYPE_NAMES[dtype] });
      parts.push(dtype === DataType.uint8 ? bytesOf(Int32Array.from(constant as Uint8Array)) : bytesOf(constant));
    }
    return { name: each.name, op: each.op, ...(each.inputs.length > 0 && { input: each.inputs }), attr };
  });
  const paths = await writeShards(parts, folder);
  const signature = (ends: readonly ExportEnd[]) =>
    Object.fromEntries(
      ends.map(({ name, dtype, shape }) => [
        name,
        { name: `${name}:0`, dtype: typeName(dtype), tensorShape: shapeOf(shape) },
      ]),
    );
  const written = {
    format: 'graph-model',
    generatedBy: 'hookline',
    convertedBy: null,
    signature: { inputs: signature(graph.inputs), outputs: signature(graph.outputs) },
    modelTopology: { node, library: {}, versions: { producer: GRAPH_VERSION } },
    weightsManifest: [{ paths, weights }],
  };
  await writeFile(join(folder, 'model.json'), JSON.stringify(written));
  return ['model.json', ...paths];
}

/** Splits the weights, which follow each other without gaps, into files of equal size. */
async function writeShards(parts: readonly Uint8Array[], folder: string): Promise<string[]> {
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const count = Math.max(1, Math.ceil(total / SHARD));
  const paths = Array.from({ length: count }, (_, place) => `group1-shard${place + 1}of${count}.bin`);
  let held: Uint8Array[] = [];
  let size = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    await writeParts(join(folder, paths[written++] as string), held);
    [held, size] = [[], 0];
  };
  for (const part of parts) {
    for (let from = 0; from < part.length;) {
      const piece = part.subarray(from, from + SHARD - size);
      held.push(piece);
      size += piece.length;
      from += piece.length;
      if (size === SHARD) await flush();
    }
  }
  if (size > 0 || written === 0) await flush();
  return paths;
}

/** The format writes 64-bit integers as strings, and strings in base64. */
const shapeOf = (shape: OpenShape) => ({ dim: shape.map((size) => ({ size: String(size ?? -1) })) });

function attribute({ kind, value }: AttributeValue, typeName: (dtype: number) => string): object {
  switch (kind) {
    case 'type':
      return { type: typeName(value) };
    case 'int':
      return { i: String(value) };
    case 'float':
      return { f: value };
    case 'bool':
      return { b: value };
    case 'string':
      return { s: Buffer.from(value).toString('base64') };
    case 'shape':
      return { shape: shapeOf(value) };
    case 'ints':
      return { list: { i: value.map(String) } };
    case 'floats':
      return { list: { f: value } };
    case 'types':
      return { list: { type: value.map(typeName) } };
  }
}
