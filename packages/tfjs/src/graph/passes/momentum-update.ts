import {
  boolAttribute,
  makeConstant,
  makeNode,
  sameValue,
  specOf,
  typeAttribute,
  valueOf,
  type RecordNode,
  type ValueRef,
} from '../graph-record.ts';
import { bothOrders, madeBy, sameNumber, sameSizes } from '../match-values.ts';
import { DataType } from '../../device/native-backend.ts';
import {
  asProduct,
  asSum,
  handleValue,
  isNumber,
  targetOf,
  type FusedUpdate,
  type UpdateMatcher,
} from './update-match.ts';

/** Gradient descent as tfjs computes it: c·g + p, with the constant c = -lr. */
export const addedDescent: UpdateMatcher = (assign, lookup) => {
  const moved = asSum(assign.inputs[1]);
  for (const [change, weight] of moved === undefined ? [] : bothOrders(moved)) {
    const product = asProduct(change);
    if (product === undefined || !lookup.isRead(weight, targetOf(assign))) continue;
    for (const [factor, gradient] of bothOrders(product)) {
      const [value] = (isNumber(factor) ? madeBy(factor, 'Const')?.constant : undefined) ?? [];
      if (typeof value !== 'number' || !isOfVariable(gradient, assign)) continue;
      const rate = makeConstant(Float32Array.of(-value), specOf(factor), factor.node.origin);
      return { apply: gradientDescent(assign, valueOf(rate), gradient), replaces: [assign] };
    }
  }
  return undefined;
};

/**
 * Gradient descent: p - d·lr, with d the gradient, the velocity b = b·μ + g, or Nesterov's g + b·μ. The velocity must
 * be kept in a variable for the update to be one op.
 */
export const momentumUpdate: UpdateMatcher = (assign, lookup) => {
  const moved = madeBy(assign.inputs[1], 'Sub');
  const [weight, change] = moved?.inputs ?? [];
  const product = asProduct(change);
  if (weight === undefined || product === undefined || !lookup.isRead(weight, targetOf(assign))) return undefined;
  for (const [direction, rate] of bothOrders(product)) {
    if (!isNumber(rate)) continue;
    const plain = findVelocity(direction);
    if (plain !== undefined) return withMomentum(plain, rate, false);
    for (const [gradient, ahead] of asSum(direction) === undefined ? [] : bothOrders(asSum(direction) as RecordNode)) {
      for (const [velocity, momentum] of asProduct(ahead) === undefined
        ? []
        : bothOrders(asProduct(ahead) as RecordNode)) {
        const found = findVelocity(velocity);
        if (found === undefined || !sameValue(found.gradient, gradient) || !sameNumber(found.momentum, momentum))
          continue;
        return withMomentum(found, rate, true);
      }
    }
    if (isOfVariable(direction, assign)) return plainDescent(direction, rate);
  }
  return undefined;

  function findVelocity(value: ValueRef): Velocity | undefined {
    const slot = lookup.assignmentOf(value, assign);
    const sum = asSum(value);
    if (slot === undefined || sum === undefined) return undefined;
    for (const [scaled, gradient] of bothOrders(sum)) {
      for (const [old, momentum] of asProduct(scaled) === undefined
        ? []
        : bothOrders(asProduct(scaled) as RecordNode)) {
        if (lookup.isRead(old, targetOf(slot)) && isNumber(momentum)) return { slot, gradient, momentum };
      }
    }
    return undefined;
  }

  function withMomentum({ slot, gradient, momentum }: Velocity, rate: ValueRef, nesterov: boolean): FusedUpdate {
    const apply = makeNode(
      'ResourceApplyMomentum',
      [handleValue(assign), handleValue(slot), rate, gradient, momentum],
      [],
      {
        attributes: new Map([
          ['T', typeAttribute(DataType.float32)],
          ['use_locking', boolAttribute(false)],
          ['use_nesterov', boolAttribute(nesterov)],
        ]),
      },
    );
    return { apply, replaces: [assign, slot] };
  }

  function plainDescent(gradient: ValueRef, rate: ValueRef): FusedUpdate {
    return { apply: gradientDescent(assign, rate, gradient), replaces: [assign] };
  }
};

/** Whether a value has the shape and type of the variable, as the ops of updates want it. */
function isOfVariable(value: ValueRef, assign: RecordNode): boolean {
  const { shape, dtype } = specOf(value);
  const { variable } = targetOf(assign);
  return variable?.dtype === dtype && dtype === DataType.float32 && sameSizes(variable.shape, shape);
}

const gradientDescent = (assign: RecordNode, rate: ValueRef, gradient: ValueRef): RecordNode =>
  makeNode('ResourceApplyGradientDescent', [handleValue(assign), rate, gradient], [], {
    attributes: new Map([
      ['T', typeAttribute(DataType.float32)],
      ['use_locking', boolAttribute(false)],
    ]),
  });

interface Velocity {
  readonly slot: RecordNode;
  readonly gradient: ValueRef;
  readonly momentum: ValueRef;
}
