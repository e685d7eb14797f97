import * as tf from '@tensorflow/tfjs';

/** A value of the host in a batch. */
type PlainValue = string | number | boolean | bigint | null | undefined;

/**
 * Shows a batch to a step and notes which numbers, strings and other plain values of the host it reads, by their path. The
 * step sees copies of the batch's objects and arrays; tensors, and objects of classes, are the batch's own.
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
        if (isPlain(found)) onRead(join(path, key));
        return show(found, join(path, key));
      },
      has: (target, key) => {
        if (typeof key === 'string') onRead(join(path, key));
        return Reflect.has(target, key);
      },
    });
    seen.set(value, shown);
    return shown;
  };
  return show(batch, '');
}

/** The plain values of a batch at the given paths as a string: equal for batches that hold the same. */
export function valuesKey(batch: unknown, paths: Iterable<string>): string {
  return JSON.stringify(Array.from(paths, (path) => [path, describe(valueAt(batch, path))]));
}

/** The plain value of a batch at a path; a tensor, an object and a value that is missing are all undefined. */
export function valueAt(batch: unknown, path: string): PlainValue {
  let value = batch;
  for (const key of path.split('/')) {
    if (!isContainer(value)) return undefined;
    value = (value as Record<string, unknown>)[unescape(key)];
  }
  return isPlain(value) ? value : undefined;
}

/** JSON knows no NaN, no minus zero and no bigint. */
const describe = (value: PlainValue): string =>
  Object.is(value, -0) ? 'number -0' : `${value === null ? 'null' : typeof value} ${String(value)}`;

const isPlain = (value: unknown): value is PlainValue =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || value instanceof tf.Tensor || ArrayBuffer.isView(value))
    return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const join = (path: string, key: string): string => (path === '' ? escape(key) : `${path}/${escape(key)}`);
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const unescape = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');
