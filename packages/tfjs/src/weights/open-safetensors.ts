import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type HostTensor, isPlainObject, openSafetensors, type SafetensorsFile } from '@hookline/core';
import { COPY_AGAIN, weightsError } from './weights-error.ts';
import type { WeightsFile } from './weights-file.ts';

/** Opens one safetensors file. @throws HooklineError what `openSafetensors` raises */
export async function openOneFile(path: string): Promise<WeightsFile> {
  return { kind: 'safetensors', ...(await openSafetensors(path)) };
}

/**
 * Opens the safetensors files that an index lists. Hugging Face writes such an index, `model.safetensors.index.json`, for large
 * models.
 *
 * @throws HooklineError `HKL_WEIGHTS_DAMAGED` for an index that cannot be read, that lists a tensor which its file lacks, or
 * that names a file in another folder; and what `openSafetensors` raises
 */
export async function openIndexed(path: string): Promise<WeightsFile> {
  const places = await readIndex(path);
  const parts = new Map<string, SafetensorsFile>();
  const close = async (): Promise<void> => {
    await Promise.all([...parts.values()].map((part) => part.close()));
  };
  const tensors = new Map<string, Pick<HostTensor, 'dtype' | 'shape'>>();
  try {
    for (const [name, file] of places) {
      const part = parts.get(file) ?? (await openSafetensors(join(dirname(path), file)));
      parts.set(file, part);
      const tensor = part.tensors.get(name);
      if (tensor === undefined) throw damaged(path, `it says that ${file} holds "${name}", which it does not`);
      tensors.set(name, tensor);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const read = (name: string): Promise<HostTensor> =>
    (parts.get(places.get(name) as string) as SafetensorsFile).read(name);
  return { kind: `safetensors in ${parts.size} files`, tensors, read, close };
}

async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  let index: unknown;
  try {
    index = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause);
  }
  const map = isPlainObject(index) ? index['weight_map'] : undefined;
  if (!isPlainObject(map)) throw damaged(path, 'it has no weight_map, which says what is in which file');
  return new Map(
    Object.entries(map).map(([name, file]) => {
      // Only files beside the index are read: a downloaded index must not make Hookline read other files.
      if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file))
        throw damaged(path, `it says that "${name}" is in ${JSON.stringify(file)}, which is no file beside it`);
      return [name, file];
    }),
  );
}

const damaged = (path: string, what: string, cause?: unknown): Error =>
  weightsError('HKL_WEIGHTS_DAMAGED', what, path, COPY_AGAIN, cause);
