import * as tf from '@tensorflow/tfjs';

type Fields = Record<string, unknown>;

/** A field of a layer or a model that has another value after a recording. */
export interface KeptState {
  /** Of the layer or the model. */
  readonly owner: string;
  readonly field: string;
}

/** What one field held before, with copies of its tensors, which the step may have disposed of since. */
interface Before {
  readonly value: unknown;
  readonly items: readonly unknown[];
  readonly copies: readonly (tf.Tensor | undefined)[];
}

/** What a recording has done to fields. */
export interface KeptStateChanges {
  /** What has other values, which have been put back. */
  readonly changed: readonly KeptState[];
  /** Empties the fields that were empty before and hold tensors now: those may be made once and for all, or be state. */
  readonly forget: () => void;
}

/**
 * Watches what a model and the layers that it applies keep on the host: numbers and tensors in their own fields, and arrays of
 * tensors, such as the states of a recurrent layer. Flags and texts are left alone: a layer notes so that it has been built.
 *
 * @returns a function that puts everything back and says what was changed; call it once, with whether only tensors shall be
 *   put back, as when a layer has made its weights
 */
export function watchKeptState(model: object & { readonly name: string }): (onlyTensors: boolean) => KeptStateChanges {
  const seen = new Map<object, Map<string, Before>>();
  const note = (owner: object): void => {
    if (seen.has(owner)) return;
    const fields = new Map<string, Before>();
    seen.set(owner, fields);
    for (const [field, value] of Object.entries(owner)) {
      if (value instanceof tf.layers.Layer) note(value);
      else if (field !== 'training' && isKept(value)) fields.set(field, remember(value));
    }
  };
  note(model);
  const { prototype } = tf.layers.Layer;
  const own = Object.getOwnPropertyDescriptor(prototype, 'apply') as PropertyDescriptor;
  Object.defineProperty(prototype, 'apply', {
    ...own,
    value: function apply(this: tf.layers.Layer, ...args: unknown[]): unknown {
      note(this);
      return Reflect.apply(own.value as (...args: unknown[]) => unknown, this, args);
    },
  });
  return (onlyTensors) => {
    Object.defineProperty(prototype, 'apply', own);
    const changed: KeptState[] = [];
    const made: (() => void)[] = [];
    for (const [owner, fields] of seen) {
      const { name } = owner as { readonly name: string };
      for (const [field, before] of fields) {
        const now = (owner as Fields)[field];
        if ((before.value === undefined || before.value === null) && isTensor(now) && !now.isDisposed) {
          made.push(() => {
            (owner as Fields)[field] = before.value;
            now.dispose();
          });
        } else if (restore(owner as Fields, field, before, onlyTensors)) changed.push({ owner: name, field });
        tf.dispose(before.copies.filter((copy) => copy !== undefined));
      }
    }
    return {
      changed,
      forget: () => {
        for (const forget of made) forget();
      },
    };
  };
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor && !(value instanceof tf.Variable);

const isPlain = (value: unknown): boolean => value === null || ['number', 'undefined'].includes(typeof value);

const isKept = (value: unknown): boolean =>
  isPlain(value) ||
  isTensor(value) ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => isTensor(item)));

function remember(value: unknown): Before {
  const items: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : [value];
  return {
    value,
    items,
    copies: items.map((item) => (isTensor(item) && !item.isDisposed ? tf.keep(item.clone()) : undefined)),
  };
}

/** @returns whether the field had another value that is still there: what a step has freed by its end is no state */
function restore(owner: Fields, field: string, before: Before, onlyTensors: boolean): boolean {
  const now = owner[field];
  const after: unknown[] = Array.isArray(now) ? (now as unknown[]) : [now];
  const alive = after.filter((item) => isTensor(item) && !item.isDisposed && !before.items.includes(item));
  const isOther = Array.isArray(before.value)
    ? after.length !== before.items.length || alive.length > 0
    : isTensor(now) || isTensor(before.value)
      ? alive.length > 0
      : typeof now === 'number' && typeof before.value === 'number' && !onlyTensors && !Object.is(now, before.value);
  if (!isOther) return false;
  tf.dispose(alive as tf.Tensor[]);
  const items = before.items.map((item, place) => {
    const copy = before.copies[place];
    return isTensor(item) && item.isDisposed && copy !== undefined ? tf.keep(copy.clone()) : item;
  });
  owner[field] = Array.isArray(before.value) ? items : items[0];
  return true;
}
