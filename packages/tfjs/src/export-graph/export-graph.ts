import { isPlainObject } from '@hookline/core';
import {
  placeholderAttributes,
  specOf,
  valueOf,
  type AttributeValue,
  type RecordNode,
  type TensorSpec,
  type ValueRef,
} from '../graph/graph-record.ts';
import { DataType } from '../device/native-backend.ts';
import type { OpenRecord, OpenShape } from './open-record.ts';

/** A node of the written graph, with its name there. */
export interface ExportNode {
  readonly name: string;
  readonly op: string;
  /** Names of its inputs; `name:1` is an output other than the first. */
  readonly inputs: readonly string[];
  /** Its attributes. The shape of a Placeholder has -1 for the open batch, as TensorFlow writes an unknown size. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  readonly node: RecordNode;
}

/** An input or output of the written graph. */
export interface ExportEnd {
  /** The name of its node, and of the signature's entry. */
  readonly name: string;
  readonly dtype: number;
  readonly shape: OpenShape;
}

/** The graph in the form that every writer takes. */
export interface ExportGraph {
  readonly nodes: readonly ExportNode[];
  readonly inputs: readonly ExportEnd[];
  /** The outputs in the order of `predict`'s result. Each is its own Identity node. */
  readonly outputs: readonly ExportEnd[];
}

/** Restricts a name to the characters that every format allows. */
export const plainName = (name: string): string =>
  name.replace(/[^A-Za-z0-9_./-]/g, '_').replace(/^[^A-Za-z0-9.]+/, '') || 'value';

/** Names the nodes: inputs and outputs after the model's, weights after the variables, others after their op. */
export function nameNodes({ record, shapes }: OpenRecord, weights: ReadonlyMap<RecordNode, string>): ExportGraph {
  const taken = new Set<string>();
  const claim = (wanted: string): string => {
    let name = wanted;
    for (let count = 1; taken.has(name.toLowerCase()); count++) name = `${wanted}_${count}`;
    taken.add(name.toLowerCase());
    return name;
  };
  const names = new Map<RecordNode, string>();
  const inputs = [...record.inputs].map(([name, node]): ExportEnd => {
    names.set(node, claim(plainName(name)));
    return { name: names.get(node) as string, dtype: specOf({ node, index: 0 }).dtype, shape: shapeAt(shapes, node) };
  });
  const ends = [...record.outputs].map(([name, value]) => ({ name: claim(plainName(name)), value }));
  record.nodes.forEach((node, place) => {
    if (names.has(node)) return;
    const weight = weights.get(node);
    names.set(node, claim(weight === undefined ? `${node.op}_${place}` : plainName(weight)));
  });
  const reference = ({ node, index }: ValueRef): string => {
    const name = names.get(node) as string;
    return index === 0 ? name : `${name}:${index}`;
  };
  const nodes: ExportNode[] = record.nodes.map((node) => ({
    name: names.get(node) as string,
    op: node.op,
    inputs: node.inputs.map(reference),
    attributes: node.op === 'Placeholder' ? placeholderAttributes(openSpec(shapes, node)) : node.attributes,
    node,
  }));
  const outputs = ends.map(({ name, value }): ExportEnd => {
    const { dtype } = specOf(value);
    const shape = shapeAt(shapes, value.node, value.index);
    const attributes = new Map<string, AttributeValue>([['T', { kind: 'type', value: dtype }]]);
    const node: RecordNode = { ...value.node, op: 'Identity', inputs: [value], outputs: [specOf(value)], attributes };
    const { constant: _constant, input: _input, ...identity } = node;
    nodes.push({ name, op: 'Identity', inputs: [reference(value)], attributes, node: identity });
    return { name, dtype, shape };
  });
  return { nodes, inputs, outputs };
}

const shapeAt = (shapes: OpenRecord['shapes'], node: RecordNode, index = 0): OpenShape =>
  shapes.get(node)?.[index] ?? specOf({ node, index }).shape;

const openSpec = (shapes: OpenRecord['shapes'], node: RecordNode): TensorSpec => ({
  shape: shapeAt(shapes, node).map((size) => size ?? -1),
  dtype: specOf(valueOf(node)).dtype,
});

/** tfjs's names for TensorFlow's element types. */
export const TYPE_NAMES: Readonly<Record<number, 'float32' | 'int32' | 'bool' | 'string' | 'complex64'>> = {
  [DataType.float32]: 'float32',
  [DataType.int32]: 'int32',
  [DataType.bool]: 'bool',
  [DataType.uint8]: 'int32',
  [DataType.string]: 'string',
  [DataType.complex64]: 'complex64',
};

/**
 * Names the inputs or outputs at the paths that `takeApart` returns: `output` for a single one, `output_0` in a list.
 */
export function endNames(paths: Iterable<string>, alone: string): Map<string, string> {
  return new Map(
    [...paths].map((path) => {
      if (path === '') return [path, alone];
      const name = path.replaceAll('/', '_');
      return [path, /^\d/.test(name) ? `${alone}_${name}` : name];
    }),
  );
}

/** Returns the part of a nested value at a path of `takeApart`. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  return path
    .split('/')
    .reduce<unknown>(
      (part, key) => (Array.isArray(part) ? part[Number(key)] : isPlainObject(part) ? part[key] : undefined),
      value,
    );
}
