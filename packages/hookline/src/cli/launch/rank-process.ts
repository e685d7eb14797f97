import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { assertSameOnRanks, communicator, ConsoleLogger, type Logger, VERSION } from '@hookline/core';
import { joinRanks } from '@hookline/tfjs';
import type { CommandLine } from '../command-line.ts';
import { tellProcess } from './job-output.ts';
import { shareMachine } from './prepare-rank.ts';
import { ALL_OUTPUT, markOutput } from './rank-output.ts';

/** The environment variable that holds the command line of `hookline launch`, as JSON, for those whom it starts. */
export const LAUNCHED_BY = 'HOOKLINE_LAUNCHED_BY';
/** The environment variable that says that the launcher's output is a terminal of so many columns. */
export const TERMINAL_COLUMNS = 'HOOKLINE_TERMINAL_COLUMNS';

/**
 * Makes this process a rank where `hookline launch`, `mpirun`, `srun` or an MPIJob has started it as one of several: joins
 * the others, takes its share of the machine, and leaves it to the first rank to show what all of them say. Call it before
 * TensorFlow is loaded.
 *
 * @returns where messages go: of ranks other than the first warnings and errors alone, unless all output is asked for
 */
export async function becomeRank(env: NodeJS.ProcessEnv = process.env): Promise<Logger> {
  const comm = await joinRanks();
  if (comm.size === 1) return new ConsoleLogger();
  // Of a rank that is killed, MPICH's mpirun tells the process alone.
  if (env[LAUNCHED_BY] !== undefined) process.stderr.write(tellProcess(comm.rank, process.pid));
  const all = (env[ALL_OUTPUT] ?? '') !== '';
  markOutput(comm, all);
  const lines = shareMachine(comm, env);
  const columns = Number(env[TERMINAL_COLUMNS] ?? 0);
  // mpirun's pipes are no terminal, and the launcher behind them may have one.
  const stream = { write: (text: string) => process.stderr.write(text), isTTY: columns > 0, columns };
  const logger = comm.rank === 0 ? new ConsoleLogger({ stream }) : new ConsoleLogger({ level: all ? 'info' : 'warn' });
  logger.info(`ranks:      ${comm.size}${lines.length === 0 ? '' : ` (${lines.join(', ')})`}`);
  return logger;
}

/**
 * Makes sure that all ranks have been given the same: version, trainer file and options.
 *
 * @throws HooklineError `HKL_RANKS_DIFFER`
 */
export async function assertSameCommand({ file, set, text }: CommandLine): Promise<void> {
  const comm = communicator();
  if (comm.size === 1) return;
  const content = await readFile(file).catch(() => undefined);
  const digest = content === undefined ? 'missing' : createHash('sha256').update(content).digest('hex').slice(0, 16);
  const own = { version: VERSION, node: process.version, [`trainer file ${file}`]: digest, set, text };
  await assertSameOnRanks(comm, own, 'whether all ranks are given the same');
}

/** The command line that started the training: that of `hookline launch`, where this is one of its ranks. */
export function startedBy(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const launched: unknown = JSON.parse(env[LAUNCHED_BY] ?? 'null');
  return Array.isArray(launched) ? launched.map(String) : argv;
}
