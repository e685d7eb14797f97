import {
  makeNode,
  sameValue,
  specOf,
  typeAttribute,
  valueOf,
  type GraphRecord,
  type ValueRef,
} from './graph-record.ts';
import { DataType } from './native-backend.ts';

/**
 * Lets every change of a variable happen only where the guarded value is finite, beside the condition that it may have.
 *
 * A condition and not a check that fails the run: when a run fails, the binding of tfjs-node never frees the tensors that
 * it was fed, which is the whole batch. The host sees the value among the outputs.
 */
export function guardEffects(record: GraphRecord): void {
  const { guard } = record;
  if (guard === undefined) return;
  const { shape, dtype } = specOf(guard);
  const flag = { shape, dtype: DataType.bool };
  const finite = makeNode('IsFinite', [guard], [flag], { attributes: new Map([['T', typeAttribute(dtype)]]) });
  record.nodes.push(finite);
  const both: { readonly condition: ValueRef; readonly value: ValueRef }[] = [];
  for (const effect of record.effects) {
    const { condition } = effect;
    if (condition === undefined) {
      effect.condition = valueOf(finite);
      continue;
    }
    let joined = both.find((each) => sameValue(each.condition, condition));
    if (joined === undefined) {
      const node = makeNode('LogicalAnd', [condition, valueOf(finite)], [flag]);
      record.nodes.push(node);
      both.push((joined = { condition, value: valueOf(node) }));
    }
    effect.condition = joined.value;
  }
}
