import { Replacements } from '../graph-edit.ts';
import { makeNode, specOf, stringAttribute, typeAttribute, valueOf, type ValueRef } from '../graph-record.ts';
import { bothOrders, madeBy, rankOf, sameSizes, shapeOf } from '../match-values.ts';
import { DataType } from '../../device/native-backend.ts';
import type { GraphPass } from './graph-pass.ts';

/**
 * Replaces the sum of an activation and a vector along its last axis by `BiasAdd`, which TensorFlow can fuse with the
 * convolution or the matrix product before it.
 */
export const biasAdd: GraphPass = {
  name: 'bias-add',
  run(record) {
    const replaced = new Replacements();
    for (const node of record.nodes) {
      if ((node.op !== 'Add' && node.op !== 'AddV2') || specOf(valueOf(node)).dtype !== DataType.float32) continue;
      for (const [activation, term] of bothOrders(node)) {
        const bias = vectorOf(term);
        const { shape, dtype } = specOf(valueOf(node));
        if (bias === undefined || rankOf(activation) < 2 || !sameSizes(shapeOf(activation), shape)) continue;
        if (shapeOf(bias)[0] !== shape.at(-1)) continue;
        const sum = makeNode('BiasAdd', [activation, bias], [{ shape, dtype }], {
          origin: node.origin,
          attributes: new Map([
            ['T', typeAttribute(dtype)],
            ['data_format', stringAttribute('NHWC')],
          ]),
        });
        replaced.set(valueOf(node), valueOf(sum));
        break;
      }
    }
    replaced.apply(record);
  },
};

/** A vector, or what a reshape to [1, ..., 1, channels] made of one. */
function vectorOf(value: ValueRef): ValueRef | undefined {
  if (rankOf(value) === 1) return value;
  const source = madeBy(value, 'Reshape')?.inputs[0];
  const isRow = shapeOf(value)
    .slice(0, -1)
    .every((size) => size === 1);
  return isRow && source !== undefined && rankOf(source) === 1 ? source : undefined;
}
