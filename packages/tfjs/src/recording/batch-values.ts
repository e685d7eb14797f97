import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

/** A value of the host in a batch. */
type PlainValue = string | number | boolean | bigint | null | undefined;

/** The end of a path that stands for the keys of an object; no escaped key looks like it. */
const KEYS = '~k';

/**
 * Shows a batch to a step and notes, by their path, which numbers, strings and other plain values of the host it reads, of
 * which objects it lists the keys, and which maps, sets and dates it takes. The step sees copies of the batch's objects and
 * arrays; tensors, and objects of classes, are the batch's own.
 */
export function watchBatch(batch: unknown, onRead: (path: string) => void): unknown {
  const seen = new Map<object, unknown>();
  const show = (value: unknown, path: string): unknown => {
    if (!isContainer(value)) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    // A copy, since what a proxy shows of a frozen object must be what it holds.
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

/** What a batch holds at the given paths as a string: equal for batches that hold the same there. */
export function valuesKey(batch: unknown, paths: Iterable<string>): string {
  return JSON.stringify(Array.from(paths, (path) => [path, valueText(batch, path)]));
}

/** What a batch holds at a path, as a text: equal for equal plain values, keys, maps, sets and dates. */
export function valueText(batch: unknown, path: string): string {
  return describe(foundAt(batch, path));
}

/** What stands at a path of a batch, for messages: `the batch's "weights/0"` and `3`. */
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

/** Whether what a batch holds at a path is a number or a boolean, which can be given as a tensor as it is. */
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

/** JSON knows no NaN, no minus zero and no bigint. */
function describe(value: unknown): string {
  if (Object.is(value, -0)) return 'number -0';
  if (isPlain(value)) return `${value === null ? 'null' : typeof value} ${String(value)}`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Map) return `map ${JSON.stringify([...value].map((pair) => pair.map(describe)))}`;
  if (value instanceof Set) return `set ${JSON.stringify([...value].map(describe))}`;
  // What the tensors are like is in the batch's signature.
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
