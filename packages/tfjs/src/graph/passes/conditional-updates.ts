import { ancestorsOf, Replacements } from '../graph-edit.ts';
import { makeNode, specOf, typeAttribute, valueOf, type GraphRecord, type RecordNode } from '../graph-record.ts';
import { madeBy, rankOf } from '../match-values.ts';
import type { GraphPass } from './graph-pass.ts';
import { targetOf } from './update-match.ts';

/**
 * An assignment that selects by one boolean between a new value and the variable's present value becomes an assignment of
 * the new value that happens only if the boolean is true. Nothing is copied if it is false, and later passes, such as the
 * one that looks for updates that are one op, find the update as it would be without the condition.
 */
export const conditionalUpdates: GraphPass = {
  name: 'conditional-updates',
  run(record) {
    const replaced = new Replacements();
    const guarding = ancestorsOf(record.guard?.node);
    for (const assign of record.effects) simplify(record, assign, replaced, guarding);
    replaced.apply(record);
  },
};

function simplify(
  record: GraphRecord,
  assign: RecordNode,
  replaced: Replacements,
  /** The nodes from which the guard is computed. */
  guarding: ReadonlySet<RecordNode>,
): void {
  if (assign.op !== 'AssignVariableOp' || assign.condition !== undefined) return;
  const choice = madeBy(assign.inputs[1], 'Select', 'SelectV2');
  const [condition, changed, old] = choice?.inputs ?? [];
  if (choice === undefined || condition === undefined || changed === undefined || rankOf(condition) > 0) return;
  // The guard decides whether the variable changes, so it cannot wait for the change: another part's losses use the new value.
  if (guarding.has(choice)) return;
  const handle = targetOf(assign);
  const key = handle.variable?.key;
  if (key === undefined || record.reads.get(key) !== old?.node) return;
  assign.condition = condition;
  assign.inputs[1] = changed;
  // Other nodes that take the outcome, such as a moving average of the weights, read it from the variable.
  const { dtype } = specOf(valueOf(choice));
  const read = makeNode('ReadVariableOp', [valueOf(handle)], [...choice.outputs], {
    controls: [assign],
    attributes: new Map([['dtype', typeAttribute(dtype)]]),
  });
  record.nodes.push(read);
  replaced.set(valueOf(choice), valueOf(read));
}
