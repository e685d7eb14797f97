import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, lastWords, skipped, used, type Attempt } from '../machine/attempt.ts';
import type { Machine } from '../machine/machine.ts';
import { runCommand, type CommandResult } from '../machine/run-command.ts';
import { WHEEL_PYTHON } from './tensorflow-wheels.ts';

/** A wheel that is known by its hash. */
export interface WantedWheel {
  /** Its package. */
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Platform tags of pip under which it is found. */
  readonly tags: readonly string[];
}

export interface PipOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  /** Gets the wheel, and what pip needs meanwhile. */
  readonly folder: string;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
  /** Take the newest version, whatever its hash. */
  readonly anyRelease?: boolean;
  /** Keep no second copy in pip's own cache. */
  readonly uncached?: boolean;
}

/** `isMissing`: the index was reached and does not keep this version. */
export type PipAttempt = Attempt<string> & { readonly isMissing?: boolean };

/**
 * Downloads one wheel with pip, from whatever index the user's pip is set up for, without what it depends on.
 *
 * @returns the path of the wheel
 */
export async function downloadPinnedWheel(
  { name, version, sha256, tags }: WantedWheel,
  options: PipOptions,
): Promise<PipAttempt> {
  const { machine, folder, anyRelease = false } = options;
  if (machine.python === undefined) return skipped('Python was not found');
  if (!machine.pip) return skipped(`${machine.python} has no pip`);
  await mkdir(folder, { recursive: true });
  const wanted = join(folder, 'requirements.txt');
  await writeFile(wanted, `${name}==${version} --hash=sha256:${sha256}\n`);
  const what = anyRelease ? [name] : ['--require-hashes', '-r', wanted];
  // pip makes its copy in the temporary folder, which is often small and held in memory.
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  const result = await runPip(what, tags, { ...options, env: { ...options.env, TMPDIR: temporary } });
  await rm(temporary, { recursive: true, force: true });
  if (!result.ok) {
    const isMissing = /from versions: (?!none)/.test(result.stderr);
    return { ...failed(`pip could not download ${name}: ${explain(result)}`), isMissing };
  }
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  return wheel === undefined ? failed('pip left no wheel') : used(join(folder, wheel), `pip download ${name}`);
}

function runPip(what: readonly string[], tags: readonly string[], options: PipOptions): Promise<CommandResult> {
  const { machine, env, folder, timeoutMs, log, uncached = false } = options;
  const quiet = ['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  const patience = ['--retries', '1', '--timeout', '15'];
  const { version, implementation, abi } = WHEEL_PYTHON;
  const python = ['--python-version', version, '--implementation', implementation, '--abi', abi];
  const platforms = tags.flatMap((tag) => ['--platform', tag]);
  const cache = uncached ? ['--no-cache-dir'] : [];
  const flags = ['--no-deps', '--only-binary=:all:', ...cache, ...quiet, ...patience, ...python, ...platforms];
  const onLine = (line: string) => {
    if (/^\s*(Downloading|Saved|Using cached)/.test(line)) log(line.trim());
  };
  const args = ['-m', 'pip', 'download', ...flags, '-d', folder, ...what];
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
