import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, lastWords, used, type Attempt } from '../machine/attempt.ts';
import type { Machine } from '../machine/machine.ts';
import type { NativePackage } from '../find/native-package.ts';
import { runCommand } from '../machine/run-command.ts';
import { STDERR_GATE_FILE, STDERR_GATE_SOURCE } from './stderr-gate.ts';
import { TENSORFLOW_LIBRARIES, type TensorFlowFiles } from '../find/tensorflow-files.ts';

const COMPILE_TIMEOUT_MS = 5 * 60_000;

export interface CompileOptions {
  readonly machine: Machine;
  readonly env: NodeJS.ProcessEnv;
  readonly native: NativePackage;
  readonly tensorflow: TensorFlowFiles;
  /** The addon to write. */
  readonly output: string;
  /** Folder with the libraries now. */
  readonly libraryFolder: string;
  /** Folder with the libraries at run time; relative to the addon when it begins with `$ORIGIN`. */
  readonly runtimeFolder: string;
}

/** Compiles the addon's C++ source, which the native package ships, against a TensorFlow. */
export async function compileBinding(options: CompileOptions): Promise<Attempt<string>> {
  const { machine, env, native, tensorflow, output, libraryFolder, runtimeFolder } = options;
  const { compiler, nodeHeaders } = machine;
  if (compiler === undefined) return failed('no C++ compiler was found (g++ or clang++)');
  if (nodeHeaders === undefined) return failed('the headers of Node-API were not found (npm package node-api-headers)');
  const args = [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${String(native.napi)}`],
    '-DNODE_GYP_MODULE_NAME=tfjs_binding',
    ...[nodeHeaders, join(tensorflow.folder, 'include'), native.folder].flatMap((folder) => ['-I', folder]),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(native.folder, 'binding', file)),
    ...TENSORFLOW_LIBRARIES.map((library) => join(libraryFolder, library)),
    ...[`-Wl,-rpath,${runtimeFolder}`, '-o', output],
  ];
  const compiled = await runCommand(compiler, args, { timeoutMs: COMPILE_TIMEOUT_MS, env });
  if (!compiled.ok) return failed(`the addon did not compile: ${compiled.problem}: ${firstError(compiled.stderr)}`);
  return used(output, `compiled with ${compiler}`);
}

/** Compiles the addon that keeps TensorFlow's notes off the terminal. It is a comfort: without it all else works. */
export async function compileStderrGate(machine: Machine, env: NodeJS.ProcessEnv, folder: string): Promise<void> {
  const { compiler, nodeHeaders } = machine;
  if (compiler === undefined || nodeHeaders === undefined) return;
  const source = join(folder, 'stderr_gate.c');
  await writeFile(source, STDERR_GATE_SOURCE);
  const args = ['-x', 'c', '-O2', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8', '-I', nodeHeaders, source];
  await runCommand(compiler, [...args, '-o', join(folder, STDERR_GATE_FILE)], { timeoutMs: COMPILE_TIMEOUT_MS, env });
  await rm(source, { force: true });
}

function firstError(stderr: string): string {
  const line = stderr.split('\n').find((text) => /error|undefined reference|cannot find/i.test(text));
  return line?.trim().slice(0, 300) ?? lastWords(stderr);
}
