import {
  makeNode,
  sameValue,
  specOf,
  typeAttribute,
  valueOf,
  type GraphRecord,
  type RecordNode,
  type ValueRef,
} from './graph-record.ts';
import { DataType } from '../device/native-backend.ts';

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

/**
 * Lets every change of a variable happen only where the record's guard is finite, beside the condition that it may have.
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

/**
 * Lets each change of a variable that has a condition happen only where that is true, by TensorFlow's control flow: a
 * `Switch` passes its input to one of its two outputs, no node that depends on the other output runs, and a `Merge` passes
 * on the input that arrives. Afterwards the record's effects are those that always run, and the merges.
 */
export function gateEffects(record: GraphRecord): void {
  const gated = record.effects.filter(({ condition }) => condition !== undefined);
  const gates: { readonly condition: ValueRef; readonly effects: RecordNode[] }[] = [];
  for (const effect of gated) {
    const condition = effect.condition as ValueRef;
    const gate = gates.find((each) => sameValue(each.condition, condition));
    if (gate === undefined) gates.push({ condition, effects: [effect] });
    else gate.effects.push(effect);
  }
  record.effects = record.effects.filter(({ condition }) => condition === undefined);
  for (const { condition, effects } of gates) gate(record, condition, effects);
}

function gate(record: GraphRecord, condition: ValueRef, effects: readonly RecordNode[]): void {
  const flag = specOf(condition);
  const T = typeAttribute(flag.dtype);
  const add = (op: string, inputs: readonly ValueRef[], outputs = [flag], controls: readonly RecordNode[] = []) => {
    const node = makeNode(op, inputs, outputs, { attributes: new Map([['T', T]]), controls: [...controls] });
    record.nodes.push(node);
    return node;
  };
  const fork = add('Switch', [condition, condition], [flag, flag]);
  const [no, yes] = [valueOf(fork, 0), valueOf(fork, 1)];
  const skipped = add('Identity', [no]);
  /** A node that runs in any case, after the effects where those happen. */
  const after = (ran: readonly RecordNode[]): RecordNode => {
    const happened = add('Identity', [yes], [flag], ran);
    const merge = add('Merge', [valueOf(happened), valueOf(skipped)], [flag, { shape: [], dtype: DataType.int32 }]);
    merge.attributes.set('N', { kind: 'int', value: 2 });
    return merge;
  };
  const taken = add('Identity', [yes]);
  const among = new Set(effects);
  const merges = new Map<RecordNode, RecordNode>();
  for (const node of [...record.nodes]) {
    if (among.has(node) || !node.controls.some((each) => among.has(each))) continue;
    node.controls = node.controls.map((each) => {
      if (!among.has(each)) return each;
      const merge = merges.get(each) ?? after([each]);
      merges.set(each, merge);
      return merge;
    });
  }
  for (const effect of effects) effect.controls.push(taken);
  record.effects.push(after(effects));
}
