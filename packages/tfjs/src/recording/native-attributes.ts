import { captureError } from '../graph/capture-errors.ts';
import type { AttributeValue, Origin } from '../graph/graph-record.ts';
import type { NativeAttribute, NativeBinding } from '../device/native-backend.ts';

/**
 * Attributes that kernels of tfjs-node leave to the eager runtime to infer, or state wrongly, which it puts up with: the type
 * of the input at this place. `Mean` casts its input and states the type from before.
 */
const INFERRED: Readonly<Record<string, Readonly<Record<string, number>>>> = { ExpandDims: { T: 0 }, Mean: { T: 0 } };

/** The attributes of an op as tfjs-node's kernels give them, in the kinds of a GraphDef. */
export function readAttributes(
  binding: NativeBinding,
  op: string,
  attributes: readonly NativeAttribute[],
  inputTypes: readonly number[],
  origin: Origin,
): Map<string, AttributeValue> {
  const read = new Map(attributes.map((each) => [each.name, readAttribute(binding, op, each, origin)]));
  for (const [name, input] of Object.entries(INFERRED[op] ?? {})) {
    const value = inputTypes[input];
    if (value !== undefined) read.set(name, { kind: 'type', value });
  }
  return read;
}

function readAttribute(binding: NativeBinding, op: string, attribute: NativeAttribute, origin: Origin): AttributeValue {
  const { name, type, value } = attribute;
  const list = Array.isArray(value);
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return list ? { kind: 'types', value: value as number[] } : { kind: 'type', value: value as number };
    case binding.TF_ATTR_INT:
      return list ? { kind: 'ints', value: value as number[] } : { kind: 'int', value: value as number };
    case binding.TF_ATTR_FLOAT:
      return list ? { kind: 'floats', value: value as number[] } : { kind: 'float', value: value as number };
    case binding.TF_ATTR_SHAPE:
      return { kind: 'shape', value: value as number[] };
    case binding.TF_ATTR_BOOL:
      if (!list) return { kind: 'bool', value: Boolean(value) };
      break;
    case binding.TF_ATTR_STRING:
      if (!list) return { kind: 'string', value: String(value) };
      break;
  }
  throw captureError(
    'HKL_CAPTURE_UNSUPPORTED_OP',
    `the op ${op} has the attribute ${name} of an unknown kind`,
    origin,
    {
      fix: 'Run this step with capture: "off"',
    },
  );
}
