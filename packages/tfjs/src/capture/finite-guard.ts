import { makeNode, specOf, stringAttribute, typeAttribute, valueOf, type GraphRecord } from './graph-record.ts';

/** How TensorFlow's error about a guard begins; it says `… : Tensor had NaN values`. */
export const GUARD_MESSAGE = 'hookline: the loss is not finite';

/**
 * Hangs every change of a variable on a check that the guarded value is finite. Where it is not, the run fails
 * before anything has changed, and the host learns of it without having read a value.
 */
export function guardEffects(record: GraphRecord): void {
  const { guard } = record;
  if (guard === undefined) return;
  const { shape, dtype } = specOf(guard);
  const check = makeNode('CheckNumerics', [guard], [{ shape, dtype }], {
    attributes: new Map([
      ['T', typeAttribute(dtype)],
      ['message', stringAttribute(GUARD_MESSAGE)],
    ]),
  });
  record.nodes.push(check);
  for (const effect of record.effects) effect.controls.push(check);
  record.guard = valueOf(check);
}

/** True for the error with which a run ends whose guard found NaN or infinity. */
export const isGuardError = (error: unknown): boolean =>
  typeof error === 'object' && String((error as { message?: unknown } | null)?.message).includes(GUARD_MESSAGE);
