import type { HooklineError } from '@hookline/core';
import { captureError } from '../graph/capture-errors.ts';
import { bytesOf } from '../graph/graph-def.ts';
import type { AttributeValue, GraphRecord, RecordNode, TensorSpec, ValueRef } from '../graph/graph-record.ts';
import { sameSizes } from '../graph/match-values.ts';
import { DataType, type NativeValues } from '../device/native-backend.ts';

/**
 * Compares two recordings of one step, both before any pass.
 *
 * @returns undefined where they are the same; otherwise an error that names the first difference: a value made on the
 *   host (`HKL_CAPTURE_HOST_VALUE`) or other ops (`HKL_CAPTURE_CONTROL_FLOW`)
 */
export function compareRecords(first: GraphRecord, second: GraphRecord): HooklineError | undefined {
  const places = new Map<RecordNode, number>();
  const otherPlaces = new Map<RecordNode, number>();
  first.nodes.forEach((node, place) => places.set(node, place));
  second.nodes.forEach((node, place) => otherPlaces.set(node, place));
  const sameRef = (a: ValueRef, b: ValueRef | undefined): boolean =>
    b?.index === a.index && places.get(a.node) === otherPlaces.get(b.node);

  let varying: [RecordNode, RecordNode] | undefined;
  for (const [place, node] of first.nodes.entries()) {
    const other = second.nodes[place];
    if (isHostKnown(node) && other !== undefined && isHostKnown(other) && sameShapes(node, other)) {
      if (!sameValues(node, other)) varying ??= [node, other];
      continue;
    }
    if (other?.op !== node.op || node.input !== other.input || node.variable?.key !== other.variable?.key) {
      return varying === undefined ? otherFlow(node, other) : hostValue(first, ...varying);
    }
    if (!sameAttributes(node, other)) {
      return varying === undefined ? otherAttribute(node, other) : hostValue(first, ...varying);
    }
    const wired =
      node.inputs.length === other.inputs.length && node.inputs.every((input, i) => sameRef(input, other.inputs[i]));
    if (!wired || !sameShapes(node, other))
      return varying === undefined ? otherFlow(node, other) : hostValue(first, ...varying);
  }
  if (varying !== undefined) return hostValue(first, ...varying);
  if (first.nodes.length !== second.nodes.length) return otherFlow(undefined, second.nodes[first.nodes.length]);
  for (const [name, value] of first.outputs) {
    if (!sameRef(value, second.outputs.get(name))) return otherFlow(value.node, second.outputs.get(name)?.node);
  }
  return undefined;
}

const OUTSIDE = new WeakSet<HooklineError>();

/** Whether the difference is that another tensor has replaced one from outside of the step. */
export const isOtherTensor = (difference: HooklineError): boolean => OUTSIDE.has(difference);

function hostValue(record: GraphRecord, node: RecordNode, other: RecordNode): HooklineError {
  const user = record.nodes.find((each) => each.inputs.some((input) => input.node === node));
  const size = node.outputs[0]?.shape.length ? `a tensor of shape [${node.outputs[0].shape.join(', ')}]` : 'a number';
  const values = size === 'a number' ? ` (${String(node.constant?.[0])}, then ${String(other.constant?.[0])})` : '';
  const error = captureError(
    'HKL_CAPTURE_HOST_VALUE',
    `${size}${values} that it ${node.outside !== undefined ? 'takes from outside of the step' : 'makes on the host'} for the op ${user?.op ?? 'Const'} differs between two recordings`,
    { ...user?.origin, ...node.origin },
    {
      fix: 'Give it to the step with stepScope.input(name, read), keep it in stepScope.variable(name, init), or draw it from stepScope.random(name)',
    },
  );
  if (node.outside !== undefined) OUTSIDE.add(error);
  return error;
}

function otherAttribute(node: RecordNode, other: RecordNode): HooklineError {
  const [name] = [...node.attributes].find(([key, value]) => !sameAttribute(value, other.attributes.get(key))) ?? ['?'];
  return captureError(
    'HKL_CAPTURE_HOST_VALUE',
    `the attribute ${name} of the op ${node.op} differs between two recordings`,
    { ...other.origin, ...node.origin },
    { fix: 'Attributes are fixed in a captured step: keep it constant, or make it a stepScope.variant(name, read)' },
  );
}

function otherFlow(node: RecordNode | undefined, other: RecordNode | undefined): HooklineError {
  return captureError(
    'HKL_CAPTURE_CONTROL_FLOW',
    `the step runs other ops in two recordings: ${node?.op ?? 'nothing'}, then ${other?.op ?? 'nothing'}`,
    other?.origin ?? node?.origin ?? {},
    { fix: 'Decide with tensor ops (tf.where), or declare the choice with stepScope.variant(name, read)' },
  );
}

const sameShapes = (a: RecordNode, b: RecordNode): boolean =>
  a.outputs.length === b.outputs.length &&
  a.outputs.every(({ shape, dtype }, i) => {
    const other = b.outputs[i] as TensorSpec;
    return dtype === other.dtype && sameSizes(shape, other.shape);
  });

const sameAttribute = (a: AttributeValue, b: AttributeValue | undefined): boolean =>
  b?.kind === a.kind && (Object.is(a.value, b.value) || JSON.stringify(a.value) === JSON.stringify(b.value));

const sameAttributes = (a: RecordNode, b: RecordNode): boolean =>
  a.attributes.size === b.attributes.size &&
  [...a.attributes].every(([key, value]) => sameAttribute(value, b.attributes.get(key)));

/** Whether the node is a value that the host knows: a constant made in the step, or a tensor made before it. */
const isHostKnown = ({ constant, outside }: RecordNode): boolean => constant !== undefined || outside !== undefined;

function sameValues(a: RecordNode, b: RecordNode): boolean {
  if (a.outside !== undefined && a.outside.source === b.outside?.source) return true;
  const [first, second] = [a, b].map(({ constant, outside }) => constant ?? outside?.values()) as [
    NativeValues,
    NativeValues,
  ];
  if (a.outputs[0]?.dtype === DataType.string) return JSON.stringify(first) === JSON.stringify(second);
  return Buffer.compare(bytesOf(first), bytesOf(second)) === 0;
}
