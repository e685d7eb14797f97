import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { failed, used, type Attempt } from '../machine/attempt.ts';
import type { Machine } from '../machine/machine.ts';
import {
  BUILD_INFO,
  missingTensorFlowFile,
  readCudaBuild,
  TENSORFLOW_HEADERS,
  TENSORFLOW_LIBRARIES,
  type TensorFlowFiles,
} from '../find/tensorflow-files.ts';
import { unpackFiles } from './unpack-files.ts';

const WANTED = [...TENSORFLOW_HEADERS, ...TENSORFLOW_LIBRARIES.map((library) => `tensorflow/${library}`), BUILD_INFO];

/** Unpacks what the addon needs from a TensorFlow wheel into `target`: a tenth of its files. */
export async function unpackWheel(
  wheel: string,
  target: string,
  machine: Machine,
  env: NodeJS.ProcessEnv,
  source = `wheel ${basename(wheel)}`,
): Promise<Attempt<TensorFlowFiles>> {
  if (!existsSync(wheel)) return failed(`there is no file ${wheel}`);
  // A wheel's file name is name-version-python-abi-platform, which packaging tools rely on.
  const version = /^tensorflow(?:_cpu|_gpu)?-(\d[^-]*)-.*\.whl$/.exec(basename(wheel))?.[1];
  if (version === undefined) return failed(`${basename(wheel)} is not named as a TensorFlow wheel`);
  const unpacked = await unpackFiles(wheel, WANTED, target, machine, env);
  if (unpacked.value === undefined) return unpacked;
  const folder = join(target, 'tensorflow');
  const missing = missingTensorFlowFile(folder);
  if (missing !== '') return failed(`${basename(wheel)} cannot be used: ${missing}`);
  return used({ version, folder, cudaBuild: readCudaBuild(folder), source, borrowed: false }, source);
}
