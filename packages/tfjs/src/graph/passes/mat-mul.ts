import {
  boolAttribute,
  makeConstant,
  makeNode,
  sizeOf,
  specOf,
  typeAttribute,
  valueOf,
  type ValueRef,
} from '../graph-record.ts';
import { DataType } from '../../device/native-backend.ts';
import { Replacements } from '../graph-edit.ts';
import { rankOf, shapeOf } from '../match-values.ts';
import type { GraphPass } from './graph-pass.ts';

/**
 * Replaces batched matrix products with a batch of one by plain ones. tfjs has only the batched product; the plain one has
 * the faster kernel, and TensorFlow can fuse it with other ops.
 */
export const matMul: GraphPass = {
  name: 'mat-mul',
  run(record) {
    const replaced = new Replacements();
    for (const node of [...record.nodes]) {
      const [a, b] = node.inputs;
      if (node.op !== 'BatchMatMulV2' || a === undefined || b === undefined || !isSingle(a) || !isSingle(b)) continue;
      const { shape, dtype } = specOf(valueOf(node));
      const product = makeNode('MatMul', [flat(a), flat(b)], [{ shape: shape.slice(-2), dtype }], {
        origin: node.origin,
        attributes: new Map([
          ...[...node.attributes].filter(([name]) => name === 'T'),
          ['transpose_a', node.attributes.get('adj_x') ?? boolAttribute(false)],
          ['transpose_b', node.attributes.get('adj_y') ?? boolAttribute(false)],
        ]),
      });
      replaced.set(valueOf(node), shape.length === 2 ? valueOf(product) : reshapeTo(valueOf(product), shape));
    }
    replaced.apply(record);
  },
};

/** A matrix, or a stack of one matrix. */
const isSingle = (value: ValueRef): boolean => rankOf(value) >= 2 && sizeOf(shapeOf(value).slice(0, -2)) === 1;

const flat = (value: ValueRef): ValueRef => (rankOf(value) === 2 ? value : reshapeTo(value, shapeOf(value).slice(-2)));

/** Reshapes a value. */
function reshapeTo(value: ValueRef, shape: readonly number[]): ValueRef {
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
