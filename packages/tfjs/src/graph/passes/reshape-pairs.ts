import { Replacements } from '../graph-edit.ts';
import { valueOf, type ValueRef } from '../graph-record.ts';
import { madeBy, sameSizes, shapeOf } from '../match-values.ts';
import type { GraphPass } from './graph-pass.ts';

/** Merges a reshape of a reshape into one, and removes reshapes to the shape that a value already has. */
export const reshapePairs: GraphPass = {
  name: 'reshape-pairs',
  run(record) {
    const replaced = new Replacements();
    for (const node of record.nodes) {
      const [input, sizes] = node.inputs;
      if (node.op !== 'Reshape' || input === undefined || sizes === undefined) continue;
      const source = sourceOf(replaced.resolve(input));
      if (sameSizes(shapeOf(source), shapeOf(valueOf(node)))) replaced.set(valueOf(node), source);
      else node.inputs = [source, sizes];
    }
    replaced.apply(record);
  },
};

/** The value at the start of a chain of reshapes. */
function sourceOf(value: ValueRef): ValueRef {
  let current = value;
  for (let node = madeBy(current, 'Reshape'); node !== undefined; node = madeBy(current, 'Reshape')) {
    current = node.inputs[0] as ValueRef;
  }
  return current;
}
