import {
  boolAttribute,
  makeConstant,
  makeNode,
  sameValue,
  typeAttribute,
  valueOf,
  type RecordNode,
  type ValueRef,
} from '../graph-record.ts';
import { bothOrders, madeBy } from '../match-values.ts';
import { DataType } from '../../device/native-backend.ts';
import {
  asProduct,
  asSum,
  handleValue,
  isNumber,
  targetOf,
  type UpdateLookup,
  type UpdateMatcher,
} from './update-match.ts';

/**
 * Adam: p - s·m/(√v + ε), with m = m·β1 + g·(1-β1) and v = v·β2 + g²·(1-β2) kept in variables. The bias corrections
 * are in s and ε already, so the op is told that there are none. AdamW's p·(1 - lr·λ) is assigned before.
 */
export const adamUpdate: UpdateMatcher = (assign, lookup) => {
  const moved = madeBy(assign.inputs[1], 'Sub');
  const [start, change] = moved?.inputs ?? [];
  const step = asProduct(change);
  if (start === undefined || step === undefined) return undefined;
  const isDecayed = !lookup.isRead(start, targetOf(assign));
  if (isDecayed && !isDecayOf(start, targetOf(assign), lookup)) return undefined;
  for (const [ratio, size] of bothOrders(step)) {
    const [mean, bottom] = madeBy(ratio, 'RealDiv', 'Div')?.inputs ?? [];
    const sum = asSum(bottom);
    if (!isNumber(size) || mean === undefined || sum === undefined) continue;
    for (const [root, epsilon] of bothOrders(sum)) {
      const square = madeBy(root, 'Sqrt')?.inputs[0];
      if (square === undefined || !isNumber(epsilon)) continue;
      const first = average(mean, assign, lookup);
      const second = average(square, assign, lookup);
      if (first === undefined || second === undefined) continue;
      const squared = madeBy(second.added, 'Square')?.inputs[0];
      if (squared === undefined || !sameValue(squared, first.added)) continue;
      const none = valueOf(makeConstant(Float32Array.of(0), { shape: [], dtype: DataType.float32 }));
      const inputs = [
        ...[handleValue(assign), handleValue(first.slot), handleValue(second.slot), none, none],
        ...[size, first.kept, second.kept, epsilon, first.added],
      ];
      const apply = makeNode('ResourceApplyAdam', inputs, [], {
        attributes: new Map([
          ['T', typeAttribute(DataType.float32)],
          ['use_locking', boolAttribute(false)],
          ['use_nesterov', boolAttribute(false)],
        ]),
      });
      const replaces = [assign, first.slot, second.slot];
      return isDecayed ? { apply, replaces, before: decayOf(start, assign) } : { apply, replaces };
    }
  }
  return undefined;
};

interface Average {
  readonly slot: RecordNode;
  /** The share of the old average that is kept, β. */
  readonly kept: ValueRef;
  readonly added: ValueRef;
}

/** Takes old·β + x·(1-β) apart, where it is assigned to the variable that holds the average. */
function average(value: ValueRef, assign: RecordNode, lookup: UpdateLookup): Average | undefined {
  const slot = lookup.assignmentOf(value, assign);
  const sum = asSum(value);
  if (slot === undefined || sum === undefined) return undefined;
  for (const [old, fresh] of bothOrders(sum)) {
    const [oldProduct, freshProduct] = [asProduct(old), asProduct(fresh)];
    if (oldProduct === undefined || freshProduct === undefined) continue;
    for (const [read, kept] of bothOrders(oldProduct)) {
      if (!lookup.isRead(read, targetOf(slot))) continue;
      for (const [added, rest] of bothOrders(freshProduct)) {
        if (isComplement(kept, rest)) return { slot, kept, added };
      }
    }
  }
  return undefined;
}

/** Whether two constants are β and 1 - β. */
function isComplement(a: ValueRef, b: ValueRef): boolean {
  const [beta, rest] = [a, b].map((value) => (isNumber(value) ? madeBy(value, 'Const')?.constant?.[0] : undefined));
  return typeof beta === 'number' && typeof rest === 'number' && Math.abs(1 - beta - rest) < 1e-6;
}

function isDecayOf(value: ValueRef, handle: RecordNode, lookup: UpdateLookup): boolean {
  const product = asProduct(value);
  return (
    product !== undefined &&
    bothOrders(product).some(([weight, factor]) => lookup.isRead(weight, handle) && isNumber(factor))
  );
}

const decayOf = (value: ValueRef, assign: RecordNode): RecordNode =>
  makeNode('AssignVariableOp', [handleValue(assign), value], [], {
    attributes: new Map([['dtype', typeAttribute(DataType.float32)]]),
  });
