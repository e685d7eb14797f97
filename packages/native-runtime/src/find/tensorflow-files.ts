import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The CUDA that a TensorFlow was built for. */
export interface CudaBuild {
  /** Such as `12.5.1`; empty where the build record does not say. */
  readonly cuda: string;
  /** Such as `9`. */
  readonly cudnn: string;
}

/** Headers and libraries of one TensorFlow, unpacked. */
export interface TensorFlowFiles {
  readonly version: string;
  /** The folder `tensorflow` of a wheel: holds `include` and the two libraries. */
  readonly folder: string;
  /** What it was built for; `undefined` where it was built without CUDA. */
  readonly cudaBuild: CudaBuild | undefined;
  /** Where it comes from, in words. */
  readonly source: string;
  /** Belongs to somebody else (an installed Python package): use it where it is, never move it. */
  readonly borrowed: boolean;
}

/** The two libraries that the addon is linked against. */
export const TENSORFLOW_LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

/** Headers that the addon includes, directly and indirectly, as patterns inside a wheel. */
export const TENSORFLOW_HEADERS = [
  'tensorflow/include/tensorflow/c/*',
  'tensorflow/include/tensorflow/core/platform/*',
  'tensorflow/include/tsl/platform/*',
  'tensorflow/include/tsl/c/*',
  'tensorflow/include/xla/tsl/c/*',
] as const;

export const BUILD_INFO = 'tensorflow/python/platform/build_info.py';

/** What is missing in a `tensorflow` folder, as a phrase, or an empty string. */
export function missingTensorFlowFile(folder: string): string {
  const needed = [...TENSORFLOW_LIBRARIES, 'include/tensorflow/c/eager/c_api.h', 'include/tensorflow/c/c_api.h'];
  const missing = needed.find((file) => !existsSync(join(folder, file)));
  return missing === undefined ? '' : `it holds no ${missing}`;
}

/** Reads TensorFlow's own build record; a folder without one counts as built without CUDA. */
export function readCudaBuild(folder: string): CudaBuild | undefined {
  const file = join(folder, 'python', 'platform', 'build_info.py');
  const record = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!/'is_cuda_build',\s*True/.test(record)) return undefined;
  const read = (key: string) => new RegExp(`'${key}',\\s*'([\\d.]+)'`).exec(record)?.[1] ?? '';
  return { cuda: read('cuda_version'), cudnn: read('cudnn_version') };
}

/** Where a binding's folder in the cache keeps TensorFlow's libraries, which look for `../nvidia` from there. */
export function libraryFolderOf(entry: string): string {
  return join(entry, 'tensorflow');
}
