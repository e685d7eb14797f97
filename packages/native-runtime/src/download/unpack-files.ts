import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { failed, lastWords, used, type Attempt } from '../machine/attempt.ts';
import type { Machine } from '../machine/machine.ts';
import { runCommand } from '../machine/run-command.ts';

const UNPACK_TIMEOUT_MS = 10 * 60_000;
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

/**
 * Unpacks the files of a wheel that fit one of the patterns into `target`, with `unzip` or with Python. A pattern that
 * fits nothing is no failure.
 */
export async function unpackFiles(
  wheel: string,
  patterns: readonly string[],
  target: string,
  machine: Machine,
  env: NodeJS.ProcessEnv,
): Promise<Attempt<string>> {
  await mkdir(target, { recursive: true });
  const options = { timeoutMs: UNPACK_TIMEOUT_MS, env };
  if (machine.unzip) {
    const unzipped = await runCommand('unzip', ['-q', '-o', wheel, ...patterns, '-d', target], options);
    if (!unzipped.ok && unzipped.code !== UNZIP_PATTERN_UNUSED) {
      return failed(`${basename(wheel)}: ${unzipped.problem}: ${lastWords(unzipped.stderr)}`);
    }
  } else if (machine.python !== undefined) {
    const unpacked = await runCommand(machine.python, ['-c', PYTHON_UNPACK, wheel, target, ...patterns], options);
    if (!unpacked.ok) return failed(`${basename(wheel)}: ${unpacked.problem}: ${lastWords(unpacked.stderr, 1)}`);
  } else {
    return failed('neither unzip nor Python was found to unpack the wheel');
  }
  return used(target, `unpacked ${basename(wheel)}`);
}
