import { captureError } from '../graph/capture-errors.ts';
import type { AttributeValue, Origin } from '../graph/graph-record.ts';
import type { NativeAttribute, NativeBinding } from '../device/native-backend.ts';

/**
 * Type attributes that tfjs-node's kernels omit, or give wrongly: the eager runtime infers or tolerates them, a graph does
 * not. Each is the dtype of the input at the given index. `Mean` casts its input, but gives the dtype from before the cast.
 */
const INFERRED: Readonly<Record<string, Readonly<Record<string, number>>>> = { ExpandDims: { T: 0 }, Mean: { T: 0 } };

/**
 * Translates the attributes of an op from tfjs-node's form to that of a GraphDef.
 *
 * @throws HooklineError `HKL_CAPTURE_UNSUPPORTED_OP` for an attribute of an unknown kind
 */
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
