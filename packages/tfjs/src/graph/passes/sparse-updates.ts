import { pruneAndSort } from '../graph-edit.ts';
import {
  boolAttribute,
  makeNode,
  sizeOf,
  specOf,
  typeAttribute,
  valueOf,
  type GraphRecord,
  type RecordNode,
  type ValueRef,
} from '../graph-record.ts';
import { constantIntegers, madeBy, rankOf, shapeOf } from '../match-values.ts';
import type { GraphPass } from './graph-pass.ts';

/**
 * Gradient descent of a table of which a step reads some rows, such as an embedding, touches those rows alone: the
 * gradient is zero everywhere else. The rows are read from the variable by `ResourceGather` and changed in it by
 * `ResourceScatterSub`, so that neither the table nor its gradient is ever copied as a whole.
 *
 * Nothing else may take the table or its gradient (a regularizer, a norm for clipping, a moving average), except the sum
 * by which the step checks that the gradient is finite: that is taken of the rows' gradients instead, which has the same
 * terms. The update must be plain gradient descent: momentum, weight decay and Adam move rows that have no gradient too.
 */
export const sparseUpdates: GraphPass = {
  name: 'sparse-updates',
  run(record) {
    const takers = findTakers(record);
    let isChanged = false;
    for (const update of [...record.effects]) {
      const found = findRows(record, update, takers);
      if (found === undefined) continue;
      replaceUpdate(record, update, found);
      isChanged = true;
    }
    if (isChanged) pruneAndSort(record);
  },
};

/** The nodes that take each node's values or wait for it, once for each use. An output or the guard of the record counts as undefined. */
type Takers = ReadonlyMap<RecordNode, readonly (RecordNode | undefined)[]>;

interface FoundRows {
  /** The nodes that read rows of the table. */
  readonly gathers: readonly RecordNode[];
  /** Sums over the whole gradient of the table. */
  readonly totals: readonly RecordNode[];
  /** The gradient of each row that was read, and which row it is. */
  readonly values: ValueRef;
  readonly indices: ValueRef;
}

function findTakers(record: GraphRecord): Takers {
  const takers = new Map<RecordNode, (RecordNode | undefined)[]>();
  const add = (node: RecordNode, taker: RecordNode | undefined): void => {
    const known = takers.get(node);
    if (known === undefined) takers.set(node, [taker]);
    else known.push(taker);
  };
  for (const node of record.nodes) {
    for (const input of node.inputs) add(input.node, node);
    for (const control of node.controls) add(control, node);
    if (node.condition !== undefined) add(node.condition.node, node);
  }
  for (const { node } of record.outputs.values()) add(node, undefined);
  if (record.guard !== undefined) add(record.guard.node, undefined);
  return takers;
}

function findRows(record: GraphRecord, update: RecordNode, takers: Takers): FoundRows | undefined {
  const [handle, , gradient] = update.inputs;
  if (update.op !== 'ResourceApplyGradientDescent' || handle === undefined || update.controls.length > 0)
    return undefined;
  const sums = madeBy(gradient, 'UnsortedSegmentSum');
  const [values, indices] = sums?.inputs ?? [];
  if (sums === undefined || values === undefined || indices === undefined) return undefined;
  const table = handle.node.variable;
  const read = table === undefined ? undefined : record.reads.get(table.key);
  // One row of the gradient for each row that was read, and fewer of them than the table has.
  const [rows = 0, ...row] = table?.shape ?? [];
  const isOfRows = sizeOf(shapeOf(values)) === sizeOf(shapeOf(indices)) * sizeOf(row);
  if (read === undefined || !isOfRows || sizeOf(shapeOf(indices)) >= rows) return undefined;
  if ((takers.get(update) ?? []).length > 0) return undefined;
  const totals = (takers.get(sums) ?? []).filter((each) => each !== update);
  const hasSameAxes = rankOf(values) === rankOf(valueOf(sums));
  if (!totals.every((each): each is RecordNode => hasSameAxes && isTotal(each, sums))) return undefined;
  const gathers = takers.get(read) ?? [];
  if (!gathers.every((each): each is RecordNode => isGatherOfRows(each, read))) return undefined;
  return { gathers, totals, values, indices };
}

/** A sum over all elements of what `of` makes. */
function isTotal(node: RecordNode | undefined, of: RecordNode): boolean {
  if (node?.op !== 'Sum' || node.inputs[0]?.node !== of || node.inputs[1]?.node === of) return false;
  return sizeOf(shapeOf(valueOf(node))) === 1;
}

function isGatherOfRows(node: RecordNode | undefined, table: RecordNode): boolean {
  if (node?.op !== 'GatherV2' || node.inputs[0]?.node !== table || node.controls.length > 0) return false;
  const isOfTable = node.inputs[1]?.node !== table;
  return isOfTable && constantIntegers(node.inputs[2])?.[0] === 0 && node.attributes.get('batch_dims')?.value === 0;
}

function replaceUpdate(record: GraphRecord, update: RecordNode, { gathers, totals, values, indices }: FoundRows): void {
  const [handle, rate] = update.inputs as [ValueRef, ValueRef];
  const dtype = typeAttribute(specOf(values).dtype);
  const indexType = typeAttribute(specOf(indices).dtype);
  for (const gather of gathers) {
    gather.op = 'ResourceGather';
    gather.inputs = [handle, gather.inputs[1] as ValueRef];
    gather.attributes = new Map([
      ['dtype', dtype],
      ['Tindices', typeAttribute(specOf(gather.inputs[1] as ValueRef).dtype)],
      ['batch_dims', { kind: 'int', value: 0 }],
      ['validate_indices', boolAttribute(true)],
    ]);
  }
  for (const total of totals) total.inputs = [values, total.inputs[1] as ValueRef];
  const steps = makeNode('Mul', [values, rate], [specOf(values)], { attributes: new Map([['T', dtype]]) });
  const scatter = makeNode('ResourceScatterSub', [handle, indices, valueOf(steps)], [], {
    attributes: new Map([
      ['dtype', dtype],
      ['Tindices', indexType],
    ]),
    // The rows must be read before they change.
    controls: [...gathers],
    ...(update.condition === undefined ? {} : { condition: update.condition }),
  });
  record.nodes.push(steps, scatter);
  record.effects = record.effects.map((effect) => (effect === update ? scatter : effect));
}
