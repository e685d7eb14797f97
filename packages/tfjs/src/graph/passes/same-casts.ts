import { Replacements } from '../graph-edit.ts';
import { specOf, valueOf } from '../graph-record.ts';
import type { GraphPass } from './graph-pass.ts';

/** Removes casts to the type that a value already has. */
export const sameCasts: GraphPass = {
  name: 'same-casts',
  run(record) {
    const replaced = new Replacements();
    for (const node of record.nodes) {
      const [input] = node.inputs;
      if (node.op !== 'Cast' || input === undefined) continue;
      if (specOf(input).dtype === specOf(valueOf(node)).dtype) replaced.set(valueOf(node), input);
    }
    replaced.apply(record);
  },
};
