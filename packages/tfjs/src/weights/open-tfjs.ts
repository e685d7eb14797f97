import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeCause, type HostDType, type HostTensor, isHooklineError, isPlainObject } from '@hookline/core';
import tf from '#tfjs';
import { COPY_AGAIN, weightsError } from './weights-error.ts';
import type { WeightsFile } from './weights-file.ts';

/** A group of files, whose concatenated bytes hold the listed weights. */
interface ManifestGroup {
  readonly paths: readonly string[];
  readonly weights: tf.io.WeightsManifestEntry[];
}

/**
 * Opens the weights of a TensorFlow.js `model.json`. Those of a LayersModel are in the order of its layers; those of a
 * GraphModel have the names of its constants. Quantized weights are widened.
 *
 * @throws HooklineError `HKL_WEIGHTS_FORMAT` for other JSON, `HKL_WEIGHTS_DAMAGED` where it or its weights cannot be read
 */
export async function openTfjs(path: string): Promise<WeightsFile> {
  const { format, groups } = await readManifest(path);
  const tensors = new Map<string, HostTensor>();
  for (const group of groups) for (const [name, tensor] of await readGroup(group, path)) tensors.set(name, tensor);
  return {
    kind: format === 'graph-model' ? 'a TensorFlow.js GraphModel' : 'a TensorFlow.js LayersModel',
    tensors,
    ...(format === 'graph-model' ? {} : { isOrdered: true }),
    read: (name) => Promise.resolve(tensors.get(name) as HostTensor),
    close: () => Promise.resolve(),
  };
}

async function readManifest(path: string): Promise<{ format: unknown; groups: readonly ManifestGroup[] }> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw damaged(path, `it is no JSON: ${describeCause(cause)}`, cause);
  }
  const { format, weightsManifest: groups } = isPlainObject(json) ? json : {};
  if (!Array.isArray(groups)) {
    const fix = 'Give a model.json of TensorFlow.js, or the index of a safetensors model: model.safetensors.index.json';
    throw weightsError('HKL_WEIGHTS_FORMAT', 'it is JSON, but lists no weights', path, fix);
  }
  return { format, groups: groups as ManifestGroup[] };
}

async function readGroup({ paths, weights }: ManifestGroup, path: string): Promise<[string, HostTensor][]> {
  try {
    const parts = [];
    for (const part of paths) {
      // Only files beside the model.json are read: a downloaded model must not make Hookline read other files.
      if (!/^[^/\\]+$/.test(part)) throw damaged(path, `it names ${JSON.stringify(part)}, which is no file beside it`);
      parts.push(await readFile(join(dirname(path), part)));
    }
    const bytes = new Uint8Array(Buffer.concat(parts));
    const decoded = tf.io.decodeWeights(bytes.buffer, weights);
    return Object.entries(decoded).map(([name, tensor]) => {
      const { dtype, shape } = tensor;
      const data = tensor.dataSync().slice() as Float32Array<ArrayBuffer>;
      tensor.dispose();
      return [name, { dtype: dtype as HostDType, shape, data }];
    });
  } catch (cause) {
    if (isHooklineError(cause)) throw cause;
    throw damaged(path, `its weights cannot be read: ${describeCause(cause)}`, cause);
  }
}

const damaged = (path: string, what: string, cause?: unknown): Error =>
  weightsError('HKL_WEIGHTS_DAMAGED', what, path, COPY_AGAIN, cause);
