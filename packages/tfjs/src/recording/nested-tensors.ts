import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

/** The tensors of a value made of nested arrays and plain objects, and the structure around them. */
export interface NestedTensors {
  /** The tensors by their paths, such as `boxes` or `levels/0`. */
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
  /** A string that is equal for values of the same structure, dtypes and shapes, and the same numbers, booleans and strings. */
  readonly signature: string;
  /** Returns the value with other tensors in place of its own. */
  rebuild(tensorAt: (path: string) => tf.Tensor): unknown;
}

/**
 * Separates the tensors of a value from the structure around them.
 *
 * @returns the tensors and the structure; or, where the value holds anything besides tensors, numbers, strings, booleans,
 *   arrays and plain objects, a string that names the first such part
 */
export function takeApart(value: unknown): NestedTensors | string {
  const tensors = new Map<string, tf.Tensor>();
  const seen = new Map<object, string>();
  let other: string | undefined;
  const visit = (part: unknown, path: string): { readonly text: string; readonly build: Build } => {
    if (part instanceof tf.Tensor) {
      const { dtype, shape, dataId } = part as tf.Tensor;
      tensors.set(path, part as tf.Tensor);
      // The signature marks a tensor that occurs twice, because another value may hold two different tensors there.
      const same = seen.get(dataId);
      if (same === undefined) seen.set(dataId, path);
      return {
        text: `${dtype}[${shape.join()}]${same === undefined ? '' : `=${same}`}`,
        build: (tensorAt) => tensorAt(path),
      };
    }
    if (Array.isArray(part)) {
      const parts = part.map((each, place) => visit(each, join(path, String(place))));
      return {
        text: `[${parts.map(({ text }) => text).join()}]`,
        build: (tensorAt) => parts.map(({ build }) => build(tensorAt)),
      };
    }
    if (isPlainObject(part)) {
      const parts = Object.entries(part).map(([key, each]) => [key, visit(each, join(path, key))] as const);
      return {
        text: `{${parts.map(([key, { text }]) => `${JSON.stringify(key)}:${text}`).join()}}`,
        build: (tensorAt) => Object.fromEntries(parts.map(([key, { build }]) => [key, build(tensorAt)])),
      };
    }
    if (typeof part === 'object' ? part !== null : typeof part === 'function' || typeof part === 'symbol') {
      other ??= typeof part === 'object' ? nameOfClass(part as object) : `a ${typeof part}`;
    }
    return { text: `${typeof part} ${JSON.stringify(String(part))}`, build: () => part };
  };
  const { text: signature, build: rebuild } = visit(value, '');
  return other ?? { tensors, signature, rebuild };
}

type Build = (tensorAt: (path: string) => tf.Tensor) => unknown;

const join = (path: string, key: string): string => (path === '' ? key : `${path}/${key}`);

function nameOfClass(value: object): string {
  // An object without a prototype has no constructor.
  const { constructor } = value as { readonly constructor?: { readonly name?: string } };
  return constructor?.name ?? 'an object';
}
