import { isPlainObject } from '@hookline/core';
import tf from '#tfjs';

/** Returns the tensors of a batch by their path in it, such as `images` or `targets/0/boxes`. */
export function batchTensors(batch: unknown): Map<string, tf.Tensor> {
  const tensors = new Map<string, tf.Tensor>();
  const visit = (value: unknown, path: string): void => {
    if (value instanceof tf.Tensor) tensors.set(path === '' ? 'batch' : path, value as tf.Tensor);
    else if (Array.isArray(value)) value.forEach((each, place) => visit(each, join(path, String(place))));
    else if (value instanceof Map) for (const [key, each] of value) visit(each, join(path, String(key)));
    else if (value instanceof Set) [...value].forEach((each, place) => visit(each, join(path, String(place))));
    else if (isPlainObject(value)) for (const [key, each] of Object.entries(value)) visit(each, join(path, key));
  };
  visit(batch, '');
  return tensors;
}

/** Returns a string of the dtypes and shapes of a batch; batches that fit the same recording have equal strings. */
export function batchSignature(tensors: ReadonlyMap<string, tf.Tensor>): string {
  const seen = new Map<object, string>();
  const parts: string[] = [];
  for (const [path, { dtype, shape, dataId }] of tensors) {
    // The same tensor in two places is one input, whereas another batch may hold two different tensors there.
    const same = seen.get(dataId);
    if (same === undefined) seen.set(dataId, path);
    parts.push(`${path}:${dtype}[${shape.join()}]${same === undefined ? '' : `=${same}`}`);
  }
  return parts.join(' ');
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}/${key}`);
