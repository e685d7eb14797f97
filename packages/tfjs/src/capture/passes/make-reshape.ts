import { makeConstant, makeNode, specOf, typeAttribute, valueOf, type ValueRef } from '../graph-record.ts';
import { DataType } from '../native-backend.ts';

/** A value in another shape. */
export function reshapeTo(value: ValueRef, shape: readonly number[]): ValueRef {
  const { dtype } = specOf(value);
  const { origin } = value.node;
  const sizes = makeConstant(Int32Array.from(shape), { shape: [shape.length], dtype: DataType.int32 }, origin);
  return valueOf(
    makeNode('Reshape', [value, valueOf(sizes)], [{ shape: [...shape], dtype }], {
      origin,
      attributes: new Map([
        ['T', typeAttribute(dtype)],
        ['Tshape', typeAttribute(DataType.int32)],
      ]),
    }),
  );
}
