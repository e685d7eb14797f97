import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, lastWords, skipped, used, type Attempt } from './attempt.ts';
import type { Machine } from './machine.ts';
import { runCommand, type CommandResult } from './run-command.ts';
import { type PinnedWheel, TENSORFLOW_VERSION, TENSORFLOW_WHEELS, WHEEL_PYTHON } from './tensorflow-wheels.ts';

/** Set to take the newest release where the index does not keep the pinned one; nobody has checked such a wheel. */
const ANY_RELEASE = 'HOOKLINE_TENSORFLOW_ANY_RELEASE';

export interface DownloadOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly cuda: boolean;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
}

/**
 * Downloads a TensorFlow wheel with pip, from whatever index the user's pip is set up for. It must have the hash of the
 * table; another release is taken only where `HOOKLINE_TENSORFLOW_ANY_RELEASE` is set.
 */
export async function downloadWheel(options: DownloadOptions): Promise<Attempt<string>> {
  const { machine, cuda, folder, log, env } = options;
  const pinned = TENSORFLOW_WHEELS[`${machine.platform}${cuda ? '-cuda' : ''}`] ?? TENSORFLOW_WHEELS[machine.platform];
  if (pinned === undefined) return skipped(`there is no TensorFlow wheel with C libraries for ${machine.platform}`);
  if (machine.python === undefined) return skipped('Python was not found');
  if (!machine.pip) return skipped(`${machine.python} has no pip`);
  const { name, sha256 } = pinned;
  await mkdir(folder, { recursive: true });
  log(`downloading ${name} ${TENSORFLOW_VERSION} with pip (${cuda ? 'about 600' : 'about 270'} MB)`);
  const wanted = join(folder, 'requirements.txt');
  await writeFile(wanted, `${name}==${TENSORFLOW_VERSION} --hash=sha256:${sha256}\n`);
  let result = await pipDownload(['--require-hashes', '-r', wanted], pinned, options);
  const isMissing = !result.ok && /from versions: (?!none)/.test(result.stderr);
  if (isMissing && env[ANY_RELEASE]) {
    log(`this index has no ${name} ${TENSORFLOW_VERSION}; taking its newest, unchecked, as ${ANY_RELEASE} asks for`);
    result = await pipDownload([name], pinned, options);
  } else if (isMissing) {
    return failed(
      `the package index has no ${name} ${TENSORFLOW_VERSION}; give its wheel (\`npx hookline setup --from FILE\`), ` +
        `or set ${ANY_RELEASE}=1 to take another release`,
    );
  }
  if (!result.ok) return failed(`pip could not download ${name}: ${explain(result)}`);
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  return wheel === undefined ? failed('pip left no wheel') : used(join(folder, wheel), `pip download ${name}`);
}

function pipDownload(what: readonly string[], { tags }: PinnedWheel, options: DownloadOptions): Promise<CommandResult> {
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
  const { version, implementation, abi } = WHEEL_PYTHON;
  const python = ['--python-version', version, '--implementation', implementation, '--abi', abi];
  const args = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    ...quiet,
    ...python,
    ...tags.flatMap((tag) => ['--platform', tag]),
    '-d',
    folder,
    ...what,
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
  if (stderr.includes('DO NOT MATCH THE HASHES')) return 'the wheel is not the one that is known: its hash differs';
  return lastWords(stderr, 1) || problem;
}
