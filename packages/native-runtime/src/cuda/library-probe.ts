import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, lastWords, used, type Attempt } from '../machine/attempt.ts';
import { LIBRARY_PROBE_SOURCE } from './library-probe-source.ts';
import type { Machine } from '../machine/machine.ts';
import { runCommand } from '../machine/run-command.ts';

/** The program's file name, beside the binding in the cache. */
export const LIBRARY_PROBE_FILE = 'library_probe';

/** How the program says that a library does not survive being opened. */
export const CRASHED = 'opening it ends the process';

const COMPILE_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 120_000;

/** What came of opening one library. */
export interface OpenedLibrary {
  readonly name: string;
  /** The file that was opened; `undefined` where that failed. */
  readonly path: string | undefined;
  /** Why it could not be opened, or an empty string. */
  readonly problem: string;
}

/** Compiles the program that opens libraries into `folder`. @returns its path */
export async function compileLibraryProbe(
  { compiler }: Machine,
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<Attempt<string>> {
  if (compiler === undefined) return failed('no C++ compiler was found (g++ or clang++)');
  const source = join(folder, `${LIBRARY_PROBE_FILE}.c`);
  const program = join(folder, LIBRARY_PROBE_FILE);
  await writeFile(source, LIBRARY_PROBE_SOURCE);
  const args = ['-x', 'c', '-O1', '-w', source, '-o', program, '-ldl'];
  const compiled = await runCommand(compiler, args, { timeoutMs: COMPILE_TIMEOUT_MS, env });
  await rm(source, { force: true });
  if (!compiled.ok) return failed(`the program that opens libraries did not compile: ${lastWords(compiled.stderr, 1)}`);
  return used(program, `compiled with ${compiler}`);
}

/**
 * Opens libraries by name, as they would be when TensorFlow asks for them.
 *
 * @param program what {@link compileLibraryProbe} has made
 * @param tensorflow TensorFlow's library; `undefined` looks only where the system does (`LD_LIBRARY_PATH` and the
 * loader's own folders)
 */
export async function openLibraries(
  program: string,
  tensorflow: string | undefined,
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Attempt<OpenedLibrary[]>> {
  const options = { timeoutMs: PROBE_TIMEOUT_MS, env: { TF_CPP_MIN_LOG_LEVEL: '3', ...env } };
  const run = await runCommand(program, [tensorflow ?? '-', ...names], options);
  if (!run.ok) return failed(`libraries could not be tried: ${lastWords(run.stderr, 1) || run.problem}`);
  const lines = new Map(run.stdout.split('\n').map((line) => [line.split('\t')[0] ?? '', line.split('\t').slice(1)]));
  const opened = names.map((name): OpenedLibrary => {
    const [state, text = ''] = lines.get(name) ?? ['failed', 'nothing was said about it'];
    return state === 'opened' ? { name, path: text, problem: '' } : { name, path: undefined, problem: text };
  });
  return used(opened, `tried by ${program}`);
}
