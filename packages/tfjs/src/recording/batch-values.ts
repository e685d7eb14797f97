import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

/** A plain host value in a batch, as opposed to a tensor or a container. */
type PlainValue = string | number | boolean | bigint | null | undefined;

/** The last part of a path that stands for the list of an object's keys. No escaped key equals it. */
const KEYS = '~k';

/**
 * Wraps a batch so that `onRead` learns what the step reads of it on the host: numbers, strings and other plain values, maps,
 * sets and dates, and the lists of objects' keys. The step sees copies of the batch's plain objects and arrays, but the same
 * tensors and class instances.
 *
 * @param onRead called with the path of each such value, or of an object's keys, when the step reads it
 */
export function watchBatch(batch: unknown, onRead: (path: string) => void): unknown {
  const seen = new Map<object, unknown>();
  const show = (value: unknown, path: string): unknown => {
    if (!isContainer(value)) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    // Copied, because the proxy of a frozen object may not return anything but the object's own values.
    const copy = Array.isArray(value)
      ? [...(value as unknown[])]
      : Object.assign(Object.create(Object.getPrototypeOf(value) as object | null) as object, value);
    const shown = new Proxy(copy, {
      get: (target, key, receiver) => {
        const found: unknown = Reflect.get(target, key, receiver);
        if (typeof key === 'symbol' || typeof found === 'function') return found;
        if (isPlain(found) || isCollection(found)) onRead(join(path, key));
        return show(found, join(path, key));
      },
      has: (target, key) => {
        if (typeof key === 'string') onRead(join(path, key));
        return Reflect.has(target, key);
      },
      ownKeys: (target) => {
        onRead(append(path, KEYS));
        return Reflect.ownKeys(target);
      },
      getOwnPropertyDescriptor: (target, key) => {
        onRead(append(path, KEYS));
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
    seen.set(value, shown);
    return shown;
  };
  if (isCollection(batch)) onRead('');
  return show(batch, '');
}

/** Returns a string of the values at the given paths, equal for batches with equal values there. */
export function valuesKey(batch: unknown, paths: Iterable<string>): string {
  return JSON.stringify(Array.from(paths, (path) => [path, valueText(batch, path)]));
}

/** Returns a text of the value at a path, equal for equal plain values, keys, maps, sets and dates. */
export function valueText(batch: unknown, path: string): string {
  return describe(foundAt(batch, path));
}

/** Describes a path of a batch and the value there for messages, such as `the batch's "weights/0"` and `3`. */
export function describePlace(batch: unknown, path: string): { readonly place: string; readonly now: string } {
  const parts = path === '' ? [] : path.split('/');
  const isOfKeys = parts.at(-1) === KEYS;
  const owner = (isOfKeys ? parts.slice(0, -1) : parts).map(unescape).join('/');
  const place = owner === '' ? 'the batch' : `the batch's "${owner}"`;
  const value = foundAt(batch, path);
  const text = describe(value);
  const now = typeof value === 'string' ? JSON.stringify(value) : isPlain(value) ? text.replace(/^\w+ /, '') : text;
  return { place: isOfKeys ? `the list of keys of ${place}` : place, now: value === undefined ? 'missing' : now };
}

/** Whether the value at a path is a number or a boolean, which the batch could hold as a tensor instead. */
export const isNumberAt = (batch: unknown, path: string): boolean =>
  ['number', 'boolean'].includes(typeof foundAt(batch, path));

function foundAt(batch: unknown, path: string): unknown {
  let value = batch;
  if (path === '') return value;
  for (const key of path.split('/')) {
    if (!isContainer(value)) return undefined;
    value = key === KEYS ? new Set(Object.keys(value)) : (value as Record<string, unknown>)[unescape(key)];
  }
  return value;
}

/** Describes a value. JSON does not serve for plain values, because it has no NaN, no minus zero and no bigint. */
function describe(value: unknown): string {
  if (Object.is(value, -0)) return 'number -0';
  if (isPlain(value)) return `${value === null ? 'null' : typeof value} ${String(value)}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Map) return `map ${JSON.stringify([...value].map((pair) => pair.map(describe)))}`;
  if (value instanceof Set) return `set ${JSON.stringify([...value].map(describe))}`;
  // The dtypes and shapes of tensors are part of the batch's signature.
  return value instanceof tf.Tensor ? 'tensor' : 'object';
}

const isPlain = (value: unknown): value is PlainValue =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');

const isCollection = (value: unknown): boolean => value instanceof Map || value instanceof Set || value instanceof Date;

const isContainer = (value: unknown): value is object => Array.isArray(value) || isPlainObject(value);

const append = (path: string, end: string): string => (path === '' ? end : `${path}/${end}`);
const join = (path: string, key: string): string => append(path, escape(key));
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const unescape = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');
