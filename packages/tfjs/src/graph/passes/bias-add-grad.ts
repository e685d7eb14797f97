import { Replacements } from '../graph-edit.ts';
import { makeNode, specOf, stringAttribute, typeAttribute, valueOf } from '../graph-record.ts';
import { constantIntegers, rankOf, shapeOf } from '../match-values.ts';
import { DataType } from '../../device/native-backend.ts';
import type { GraphPass } from './graph-pass.ts';

/** Replaces sums over all axes but the last, which are gradients of biases, by `BiasAddGrad`. */
export const biasAddGrad: GraphPass = {
  name: 'bias-add-grad',
  run(record) {
    const replaced = new Replacements();
    for (const node of record.nodes) {
      const [input, axes] = node.inputs;
      if (node.op !== 'Sum' || input === undefined || specOf(input).dtype !== DataType.float32) continue;
      const rank = rankOf(input);
      const summed = new Set(constantIntegers(axes)?.map((axis) => (axis + rank) % rank));
      const isAllButLast = rank >= 2 && summed.size === rank - 1 && !summed.has(rank - 1);
      if (!isAllButLast || node.attributes.get('keep_dims')?.value === true) continue;
      const spec = { shape: shapeOf(valueOf(node)), dtype: DataType.float32 };
      const sum = makeNode('BiasAddGrad', [input], [spec], {
        origin: node.origin,
        attributes: new Map([
          ['T', typeAttribute(DataType.float32)],
          ['data_format', stringAttribute('NHWC')],
        ]),
      });
      replaced.set(valueOf(node), valueOf(sum));
    }
    replaced.apply(record);
  },
};
