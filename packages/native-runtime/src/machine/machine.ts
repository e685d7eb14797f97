import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findNvidiaGpus, type NvidiaGpus } from './nvidia-gpu.ts';
import { runCommand } from './run-command.ts';

/** What setup and doctor need to know about this machine. Programs are commands to run; absent ones are `undefined`. */
export interface Machine {
  readonly platform: string;
  readonly node: string;
  readonly napi: number;
  readonly gpus: NvidiaGpus;
  readonly compiler: string | undefined;
  readonly python: string | undefined;
  readonly pip: boolean;
  readonly unzip: boolean;
  /** Folder with `node_api.h`. */
  readonly nodeHeaders: string | undefined;
}

const QUESTION_TIMEOUT_MS = 15_000;

/** Looks at the machine through the given environment. Every question has a timeout. */
export async function inspectMachine(env: NodeJS.ProcessEnv = process.env): Promise<Machine> {
  const [gpus, compiler, python, unzip] = await Promise.all([
    findNvidiaGpus(env),
    firstThatRuns(env['CXX'] ? [env['CXX'], 'c++', 'g++', 'clang++'] : ['c++', 'g++', 'clang++'], '--version', env),
    firstThatRuns(['python3', 'python'], '--version', env),
    firstThatRuns(['unzip'], '-v', env),
  ]);
  return {
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    napi: Number(process.versions.napi),
    gpus,
    compiler,
    python,
    pip: python !== undefined && (await runs(python, ['-m', 'pip', '--version'], env)),
    unzip: unzip !== undefined,
    nodeHeaders: findNodeHeaders(),
  };
}

async function firstThatRuns(
  commands: readonly string[],
  flag: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  for (const command of commands) if (await runs(command, [flag], env)) return command;
  return undefined;
}

async function runs(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return (await runCommand(command, args, { timeoutMs: QUESTION_TIMEOUT_MS, env })).ok;
}

/** The addon needs only the C headers of Node-API, which come as a package; a Node installation's own also do. */
function findNodeHeaders(): string | undefined {
  const candidates = [join(dirname(dirname(process.execPath)), 'include', 'node'), '/usr/include/node'];
  try {
    const require = createRequire(import.meta.url);
    const { include_dir } = require('node-api-headers') as { include_dir: string };
    candidates.unshift(include_dir);
  } catch {
    // Left out of the installation: the other places remain.
  }
  return candidates.find((folder) => existsSync(join(folder, 'node_api.h')));
}
