import type { GraphRecord } from './graph-record.ts';

/**
 * Lets no variable change before it has been read: in the record every read gives the value from before the step,
 * but a graph's nodes run as soon as their inputs are there.
 */
export function orderEffects(record: GraphRecord): void {
  for (const effect of record.effects) {
    for (const { node } of effect.inputs) {
      if (node.variable === undefined) continue;
      const read = record.reads.get(node.variable.key);
      if (read !== undefined && !effect.controls.includes(read)) effect.controls.push(read);
    }
  }
}
