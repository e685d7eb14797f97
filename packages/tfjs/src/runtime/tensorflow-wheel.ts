import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { failed, lastWords, used, type Attempt } from './attempt.ts';
import type { Machine } from './machine.ts';
import { runCommand } from './run-command.ts';
import {
  BUILD_INFO,
  isCudaBuild,
  missingTensorFlowFile,
  TENSORFLOW_HEADERS,
  TENSORFLOW_LIBRARIES,
  type TensorFlowFiles,
} from './tensorflow-files.ts';

const UNPACK_TIMEOUT_MS = 5 * 60_000;
const WANTED = [...TENSORFLOW_HEADERS, ...TENSORFLOW_LIBRARIES.map((library) => `tensorflow/${library}`), BUILD_INFO];
/** `unzip` ends so when one of several patterns fits nothing, which is normal: TensorFlow moves its headers about. */
const UNZIP_PATTERN_UNUSED = 11;

const PYTHON_UNPACK = `
import fnmatch, sys, zipfile
wheel, target, patterns = sys.argv[1], sys.argv[2], sys.argv[3:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            archive.extract(name, target)
`;

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
  await mkdir(target, { recursive: true });
  const options = { timeoutMs: UNPACK_TIMEOUT_MS, env };
  if (machine.unzip) {
    const unzipped = await runCommand('unzip', ['-q', '-o', wheel, ...WANTED, '-d', target], options);
    if (!unzipped.ok && unzipped.code !== UNZIP_PATTERN_UNUSED) {
      return failed(`${basename(wheel)}: ${unzipped.problem}: ${lastWords(unzipped.stderr)}`);
    }
  } else if (machine.python !== undefined) {
    const unpacked = await runCommand(machine.python, ['-c', PYTHON_UNPACK, wheel, target, ...WANTED], options);
    if (!unpacked.ok) return failed(`${basename(wheel)}: ${unpacked.problem}: ${lastWords(unpacked.stderr, 1)}`);
  } else {
    return failed('neither unzip nor Python was found to unpack the wheel');
  }
  const folder = join(target, 'tensorflow');
  const missing = missingTensorFlowFile(folder);
  if (missing !== '') return failed(`${basename(wheel)} cannot be used: ${missing}`);
  return used({ version, folder, cuda: isCudaBuild(folder), source, borrowed: false }, source);
}
