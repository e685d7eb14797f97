import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, lastWords, skipped, used, type Attempt } from './attempt.ts';
import type { Machine } from './machine.ts';
import { runCommand, type CommandResult } from './run-command.ts';

/** The release that the whole test suite runs on. */
export const TENSORFLOW_VERSION = '2.21.0';

/** Any Python can fetch this wheel: the addon uses its C libraries, not its Python modules. */
const WHEEL_TAGS: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
  'linux-arm64': ['manylinux_2_27_aarch64', 'manylinux_2_17_aarch64', 'manylinux2014_aarch64'],
};

export interface DownloadOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly cuda: boolean;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
}

/** Downloads a TensorFlow wheel with pip, from whatever index the user's pip is set up for. */
export async function downloadWheel(options: DownloadOptions): Promise<Attempt<string>> {
  const { machine, cuda, folder, log } = options;
  const tags = WHEEL_TAGS[machine.platform];
  if (tags === undefined) return skipped(`there is no TensorFlow wheel with C libraries for ${machine.platform}`);
  if (machine.python === undefined) return skipped('Python was not found');
  if (!machine.pip) return skipped(`${machine.python} has no pip`);
  const name = cuda || machine.platform === 'linux-arm64' ? 'tensorflow' : 'tensorflow-cpu';
  await mkdir(folder, { recursive: true });
  log(`downloading ${name} ${TENSORFLOW_VERSION} with pip (${cuda ? 'about 600' : 'about 270'} MB)`);
  const foreign = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
  const platforms = tags.flatMap((tag) => ['--platform', tag]);
  let result = await pipDownload(`${name}==${TENSORFLOW_VERSION}`, [...foreign, ...platforms], options);
  // An index that answers but does not keep this release may keep another one that works as well.
  if (!result.ok && /from versions: (?!none)/.test(result.stderr)) {
    log(`this index has no ${name} ${TENSORFLOW_VERSION}; taking the newest that it has`);
    result = await pipDownload(name, [...foreign, ...platforms], options);
  }
  if (!result.ok) return failed(`pip could not download ${name}: ${explain(result)}`);
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  return wheel === undefined ? failed('pip left no wheel') : used(join(folder, wheel), `pip download ${name}`);
}

function pipDownload(requirement: string, tags: readonly string[], options: DownloadOptions): Promise<CommandResult> {
  const { machine, env, folder, timeoutMs, log } = options;
  const quiet = [
    '--no-input',
    '--disable-pip-version-check',
    '--progress-bar',
    'off',
    '--retries',
    '1',
    '--timeout',
    '15',
  ];
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    ...quiet,
    ...tags,
    '-d',
    folder,
    requirement,
  ];
  const onLine = (line: string) => {
    if (/^\s*(Downloading|Saved|Using cached)/.test(line)) log(line.trim());
  };
  return runCommand(machine.python ?? 'python3', args, { timeoutMs, env, onLine });
}

function explain({ problem, stderr }: CommandResult): string {
  if (problem.includes('did not finish')) return problem;
  if (/NewConnectionError|ConnectTimeout|Name or service not known|ProxyError|Failed to establish/.test(stderr)) {
    return 'its package index cannot be reached';
  }
  return lastWords(stderr, 1) || problem;
}
