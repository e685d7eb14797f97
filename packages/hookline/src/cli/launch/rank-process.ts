import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { assertSameOnRanks, communicator, ConsoleLogger, type Logger, VERSION } from '@hookline/core';
import { joinRanks } from '@hookline/tfjs';
import type { CommandLine } from '../command-line.ts';
import { tellProcess } from './job-output.ts';
import { shareMachine } from './prepare-rank.ts';
import { ALL_OUTPUT, markOutput } from './rank-output.ts';

/** Environment variable with the command line of `hookline launch` as JSON, for the processes that it starts. */
export const LAUNCHED_BY = 'HOOKLINE_LAUNCHED_BY';
/** Environment variable with the number of columns, if the launcher's output is a terminal. */
export const TERMINAL_COLUMNS = 'HOOKLINE_TERMINAL_COLUMNS';

/**
 * If `hookline launch`, `mpirun`, `srun` or an MPIJob has started this process as one of several, makes it a rank: it joins
 * the others, takes its share of the machine, and only the first rank shows messages that are common to all. Call it before
 * TensorFlow is loaded.
 *
 * @returns the logger. On ranks other than the first it shows only warnings and errors, unless all output is requested
 */
export async function becomeRank(env: NodeJS.ProcessEnv = process.env): Promise<Logger> {
  const comm = await joinRanks();
  if (comm.size === 1) return new ConsoleLogger();
  // MPICH's mpirun reports a killed rank only by its process id.
  if (env[LAUNCHED_BY] !== undefined) process.stderr.write(tellProcess(comm.rank, process.pid));
  const all = (env[ALL_OUTPUT] ?? '') !== '';
  markOutput(comm, all);
  const lines = shareMachine(comm, env);
  const columns = Number(env[TERMINAL_COLUMNS] ?? 0);
  // The output goes to a pipe of mpirun, but the launcher behind it may have a terminal.
  const stream = { write: (text: string) => process.stderr.write(text), isTTY: columns > 0, columns };
  const logger = comm.rank === 0 ? new ConsoleLogger({ stream }) : new ConsoleLogger({ level: all ? 'info' : 'warn' });
  logger.info(`ranks:      ${comm.size}${lines.length === 0 ? '' : ` (${lines.join(', ')})`}`);
  return logger;
}

/**
 * Checks that all ranks have the same version, trainer file and options.
 *
 * @throws HooklineError `HKL_RANKS_DIFFER`
 */
export async function assertSameCommand({ file, set, text }: CommandLine): Promise<void> {
  const comm = communicator();
  if (comm.size === 1) return;
  const content = await readFile(file).catch(() => undefined);
  const digest = content === undefined ? 'missing' : createHash('sha256').update(content).digest('hex').slice(0, 16);
  const own = { version: VERSION, node: process.version, [`trainer file ${file}`]: digest, set, text };
  await assertSameOnRanks(comm, own, 'whether all ranks have the same version, file and options');
}

/** The command line that started the training; on a rank, that of `hookline launch`. */
export function startedBy(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const launched: unknown = JSON.parse(env[LAUNCHED_BY] ?? 'null');
  return Array.isArray(launched) ? launched.map(String) : argv;
}
