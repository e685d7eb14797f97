import { sameValue, valueOf, type GraphRecord, type RecordNode, type ValueRef } from '../graph-record.ts';
import { madeBy, rankOf } from '../match-values.ts';

/** An update of one parameter by one op, found in a record. */
export interface FusedUpdate {
  /** The op, which changes all of `replaces`' variables. */
  readonly apply: RecordNode;
  /** The assignments that it replaces. */
  readonly replaces: readonly RecordNode[];
  /** An assignment that must come first, such as a weight that decays before it moves. */
  readonly before?: RecordNode;
}

/** Finds an update that `assign`, an assignment of a parameter, is part of. */
export type UpdateMatcher = (assign: RecordNode, lookup: UpdateLookup) => FusedUpdate | undefined;

/** Answers what matchers ask about a record's variables. */
export class UpdateLookup {
  readonly #record: GraphRecord;

  constructor(record: GraphRecord) {
    this.#record = record;
  }

  /** Whether `value` is what the variable behind `handle` held before the step. */
  isRead(value: ValueRef, handle: RecordNode): boolean {
    const key = handle.variable?.key;
    return key !== undefined && this.#record.reads.get(key) === value.node;
  }

  /** The assignment of `value` to a variable, other than the assignment `except`. */
  assignmentOf(value: ValueRef, except: RecordNode): RecordNode | undefined {
    return this.#record.effects.find(
      (effect) =>
        effect !== except && effect.op === 'AssignVariableOp' && sameValue(effect.inputs[1] as ValueRef, value),
    );
  }
}

/** The variable that an assignment changes. */
export const targetOf = (assign: RecordNode): RecordNode => (assign.inputs[0] as ValueRef).node;

/** A sum, by either of the ops that add. */
export const asSum = (value: ValueRef | undefined): RecordNode | undefined => madeBy(value, 'AddV2', 'Add');
export const asProduct = (value: ValueRef | undefined): RecordNode | undefined => madeBy(value, 'Mul');

/** Whether a value is one number, as optimizer ops want their rates. */
export const isNumber = (value: ValueRef | undefined): value is ValueRef => value !== undefined && rankOf(value) === 0;

export const handleValue = (assign: RecordNode): ValueRef => valueOf(targetOf(assign));
