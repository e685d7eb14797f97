import { sameValue, specOf, type RecordNode, type ValueRef } from './graph-record.ts';

/** The node that makes `value`, where it is one of the given ops. */
export function madeBy(value: ValueRef | undefined, ...ops: string[]): RecordNode | undefined {
  return value?.index === 0 && ops.includes(value.node.op) ? value.node : undefined;
}

/** The inputs of a node of two, in both orders, for ops that commute. */
export function bothOrders({ inputs }: RecordNode): readonly (readonly [ValueRef, ValueRef])[] {
  const [a, b] = inputs;
  if (a === undefined || b === undefined || inputs.length !== 2) return [];
  return [
    [a, b],
    [b, a],
  ];
}

/** The integers of a constant. */
export function constantIntegers(value: ValueRef | undefined): number[] | undefined {
  const values = madeBy(value, 'Const')?.constant;
  return values instanceof Int32Array ? [...values] : undefined;
}

/** Whether two values are one, or constants of the same single number. */
export function sameNumber(a: ValueRef, b: ValueRef): boolean {
  if (sameValue(a, b)) return true;
  const [first, second] = [a, b].map((value) =>
    rankOf(value) === 0 ? madeBy(value, 'Const')?.constant?.[0] : undefined,
  );
  return typeof first === 'number' && first === second && specOf(a).dtype === specOf(b).dtype;
}

export const shapeOf = (value: ValueRef): readonly number[] => specOf(value).shape;
export const rankOf = (value: ValueRef): number => shapeOf(value).length;

export const sameSizes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);
