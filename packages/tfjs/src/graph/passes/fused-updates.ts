import { ancestorsOf, Replacements } from '../graph-edit.ts';
import {
  makeNode,
  sameValue,
  typeAttribute,
  valueOf,
  variableOf,
  type GraphRecord,
  type RecordNode,
  type ValueRef,
} from '../graph-record.ts';
import { adamUpdate } from './adam-update.ts';
import type { GraphPass } from './graph-pass.ts';
import { addedDescent, momentumUpdate } from './momentum-update.ts';
import { targetOf, UpdateLookup, type FusedUpdate, type UpdateMatcher } from './update-match.ts';

/** The updates that TensorFlow has an op for. Adam comes first, because its last part looks like gradient descent. */
const MATCHERS: readonly UpdateMatcher[] = [adamUpdate, momentumUpdate, addedDescent];

/**
 * Replaces the ops of an optimizer's update by one op that works in place. Updates are recognised by what they compute, so
 * it does not matter which optimizer recorded them; an update that computes anything else stays as it was recorded.
 */
export const fusedUpdates: GraphPass = {
  name: 'fused-updates',
  run(record) {
    const lookup = new UpdateLookup(record);
    const replaced = new Replacements();
    const taken = new Set<RecordNode>();
    const guarding = ancestorsOf(record.guard?.node);
    for (const assign of [...record.effects]) {
      if (taken.has(assign) || assign.op !== 'AssignVariableOp') continue;
      const found = firstMatch(assign, lookup);
      if (found === undefined || found.replaces.some((each) => taken.has(each) || !hasSameCondition(each, assign)))
        continue;
      // The guard decides whether the variable changes, so it cannot wait for the change: another part's losses use the new value.
      if (found.replaces.some(({ inputs }) => inputs[1] !== undefined && guarding.has(inputs[1].node))) continue;
      for (const each of found.replaces) taken.add(each);
      fuse(record, found, replaced);
    }
    replaced.apply(record);
  },
};

function firstMatch(assign: RecordNode, lookup: UpdateLookup): FusedUpdate | undefined {
  for (const match of MATCHERS) {
    const found = match(assign, lookup);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether two assignments happen under the same condition. */
const hasSameCondition = ({ condition: a }: RecordNode, { condition: b }: RecordNode): boolean =>
  a === undefined || b === undefined ? a === b : sameValue(a, b);

function fuse(record: GraphRecord, { apply, replaces, before }: FusedUpdate, replaced: Replacements): void {
  if (before !== undefined) apply.controls.push(before);
  const added = before === undefined ? [apply] : [before, apply];
  const [first] = replaces;
  if (first?.condition !== undefined) for (const each of added) each.condition = first.condition;
  for (const node of record.nodes) {
    // Reads of the outcome wait for whatever changes the variable now.
    if (node.controls.some((each) => replaces.includes(each))) {
      node.controls = node.controls.map((each) => (replaces.includes(each) ? apply : each));
    }
  }
  record.effects = record.effects.flatMap((effect) =>
    effect === first ? added : replaces.includes(effect) ? [] : [effect],
  );
  record.nodes.push(...added);
  for (const each of replaces) {
    // Other nodes that take the new value, such as a moving average of the weights, read it from the variable.
    const handle = targetOf(each);
    const { shape, dtype } = variableOf(handle);
    const read = makeNode('ReadVariableOp', [valueOf(handle)], [{ shape, dtype }], {
      controls: [apply],
      attributes: new Map([['dtype', typeAttribute(dtype)]]),
    });
    record.nodes.push(read);
    replaced.set(each.inputs[1] as ValueRef, valueOf(read));
  }
}
