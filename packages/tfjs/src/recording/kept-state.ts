import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

type Fields = Record<string, unknown>;

/** A field of a layer or a model that has another value after a recording. */
export interface KeptState {
  /** Of the layer or the model. */
  readonly owner: string;
  readonly field: string;
  /**
   * The data of the tensors that the field held before; undefined for a number. A step that has used none of them writes the
   * field only, as a recurrent layer does with the masks of its dropout: that is no state.
   */
  readonly before: readonly object[] | undefined;
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

/** The fields of a layer, of the model, or of a plain object in one of their fields. */
interface Watched {
  readonly owner: string;
  /** What comes before the names of its fields: `counts.` for an object in the field `counts`. */
  readonly prefix: string;
  readonly fields: Map<string, Before>;
}

/**
 * Watches what a model and the layers that it applies keep on the host: numbers and tensors in their own fields and in plain
 * objects there, and arrays of tensors, such as the states of a recurrent layer. Flags and texts are left alone: a layer notes
 * so that it has been built. Private fields (`#count`), other arrays and objects of classes cannot be, or are not, looked into.
 *
 * @returns a function that puts everything back and says what was changed; call it once, with whether only tensors shall be
 *   put back, as when a layer has made its weights
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

/** The tensors that a field holds, itself or in an array. */
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
