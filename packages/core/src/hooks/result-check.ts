import { describeValue } from '../describe-value.ts';
import { isPlainObject } from '../plain-object.ts';

/**
 * Checks what the taps of a hook return. Each value is checked as soon as a tap returns it, so that the error names
 * that plugin. A tap that returns nothing is not checked.
 */
export interface ResultCheck {
  /** What to return instead, as an instruction for the error message. */
  readonly fix: string;
  /** Describes the returned value where it does not fit, such as `a string`; undefined where it fits. */
  find(result: unknown): string | undefined;
}

/** Something that looks like a tensor: core knows no tensor library. */
const isTensorLike = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value;

/** A check of values of one type. */
const only = (fix: string, isRight: (value: unknown) => boolean): ResultCheck =>
  Object.freeze({ fix, find: (value: unknown) => (isRight(value) ? undefined : describeValue(value)) });

/** Named tensors. */
export const namedTensors = (what: string): ResultCheck =>
  Object.freeze({
    fix: `Return an object of ${what}, or nothing to leave them as they are`,
    find(value: unknown) {
      if (!isPlainObject(value)) return describeValue(value);
      for (const name in value) {
        if (!isTensorLike(value[name])) return `an object whose "${name}" is ${describeValue(value[name])}`;
      }
      return undefined;
    },
  });

/** The answers of `stepFailed`. */
export const failedStepAction: ResultCheck = only(
  "Return 'skip' to go on with the next step, 'stop' to end gracefully, or nothing to let the error through",
  (value) => value === 'skip' || value === 'stop',
);

/** The answers of `update`. */
export const trueOrFalse: ResultCheck = only(
  'Return true where the tap has made the update, or nothing to leave it to the optimizer',
  (value) => typeof value === 'boolean',
);

/** A batch: anything but a bare value that cannot hold tensors. */
export const batchValue: ResultCheck = only(
  'Return the batch (a tensor, an array or an object of tensors), or nothing to leave it as it is',
  (value) => typeof value === 'object',
);

/** Numbers by name, nested as deep as one likes. */
export const results: ResultCheck = Object.freeze({
  fix: 'Return numbers by name, nested as deep as you like; read tensors with data() first',
  find: (value: unknown) => (isPlainObject(value) ? findNoNumber(value, '') : describeValue(value)),
});

function findNoNumber(value: Record<string, unknown>, path: string): string | undefined {
  for (const [name, inner] of Object.entries(value)) {
    const full = path === '' ? name : `${path}/${name}`;
    if (typeof inner === 'number') continue;
    if (!isPlainObject(inner)) return `results whose "${full}" is ${describeValue(inner)}`;
    const found = findNoNumber(inner, full);
    if (found !== undefined) return found;
  }
  return undefined;
}
