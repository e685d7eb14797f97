import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

type Fields = Record<string, unknown>;

/** A field of a layer or a model whose value a recording has changed. */
export interface KeptState {
  /** The name of the layer or the model. */
  readonly owner: string;
  readonly field: string;
  /**
   * The data of the tensors that the field held before; undefined for a number. A step that used none of these tensors only
   * writes the field, as a recurrent layer does with its dropout masks. Such a field is no state.
   */
  readonly before: readonly object[] | undefined;
}

/** The previous value of one field, with copies of its tensors, because the step may dispose of the tensors themselves. */
interface Before {
  readonly value: unknown;
  readonly items: readonly unknown[];
  readonly copies: readonly (tf.Tensor | undefined)[];
}

/** The changes that a recording made to fields. */
export interface KeptStateChanges {
  /** The fields whose values changed; they have their previous values again. */
  readonly changed: readonly KeptState[];
  /**
   * Empties the fields that were empty before the recording and hold tensors now. Such tensors may be made once and reused,
   * or be state, so they stay until the caller calls this.
   */
  readonly forget: () => void;
}

/** The watched fields of a layer, of the model, or of a plain object in one of their fields. */
interface Watched {
  readonly owner: string;
  /** The prefix of the fields' names: `counts.` for an object in the field `counts`. */
  readonly prefix: string;
  readonly fields: Map<string, Before>;
}

/**
 * Watches the state that a model and the layers it applies keep on the host: numbers, tensors and arrays of tensors (such as
 * the states of a recurrent layer) in their own fields and in plain objects there. Booleans and strings are not watched,
 * because a layer uses them to note that it was built. Private fields (`#count`), other arrays and class instances are not
 * watched either.
 *
 * @returns a function that restores every watched field and returns the changes. Call it once. With `onlyTensors` it leaves
 *   numbers as they are, for a recording in which a layer made its weights
 */
export function watchKeptState(model: object & { readonly name: string }): (onlyTensors: boolean) => KeptStateChanges {
  const seen = new Map<object, Watched>();
  const note = (owner: object, { name }: { readonly name: string }, prefix = ''): void => {
    if (seen.has(owner)) return;
    const fields = new Map<string, Before>();
    seen.set(owner, { owner: name, prefix, fields });
    for (const [field, value] of Object.entries(owner)) {
      if (value instanceof tf.layers.Layer) note(value, value);
      else if (isPlainObject(value)) note(value, { name }, `${prefix}${field}.`);
      else if (field !== 'training' && isKept(value)) fields.set(field, remember(value));
    }
  };
  note(model, model);
  const { prototype } = tf.layers.Layer;
  const own = Object.getOwnPropertyDescriptor(prototype, 'apply') as PropertyDescriptor;
  Object.defineProperty(prototype, 'apply', {
    ...own,
    value: function apply(this: tf.layers.Layer, ...args: unknown[]): unknown {
      note(this, this);
      return Reflect.apply(own.value as (...args: unknown[]) => unknown, this, args);
    },
  });
  return (onlyTensors) => {
    Object.defineProperty(prototype, 'apply', own);
    const changed: KeptState[] = [];
    const made: (() => void)[] = [];
    for (const [owner, { owner: name, prefix, fields }] of seen) {
      for (const [field, before] of fields) {
        const now = (owner as Fields)[field];
        const filled = before.value === undefined || before.value === null ? aliveIn(now) : [];
        if (filled.length > 0) {
          made.push(() => {
            (owner as Fields)[field] = before.value;
            tf.dispose(filled);
          });
        } else if (restore(owner as Fields, field, before, onlyTensors)) {
          const held = before.copies.flatMap((copy) => (copy === undefined ? [] : [copy.dataId]));
          changed.push({ owner: name, field: prefix + field, before: held.length === 0 ? undefined : held });
        }
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

/** The tensors that a field holds, directly or in an array, and that are not disposed of. */
const aliveIn = (value: unknown): tf.Tensor[] =>
  [value].flat().filter((item): item is tf.Tensor => isTensor(item) && !item.isDisposed);

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

/**
 * Restores one field.
 *
 * @returns whether its value had changed. A tensor that the step disposed of by its end is no state and does not count
 */
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
