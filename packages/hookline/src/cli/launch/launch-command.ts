import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { HooklineError, isAlive } from '@hookline/core';
import { findRanksAddons } from '@hookline/native-runtime';
import type { CommandLine } from '../command-line.ts';
import { EXIT } from '../exit-status.ts';
import { printError } from '../print.ts';
import { resumeCommand } from '../resume-command.ts';
import { usageError } from '../usage-error.ts';
import { findMpirun, type Mpirun } from './find-mpirun.ts';
import { JobOutput, type RankEnd } from './job-output.ts';
import { mpiArguments, ranksPerMachine } from './mpi-command.ts';
import { ALL_OUTPUT } from './rank-output.ts';
import { LAUNCHED_BY, TERMINAL_COLUMNS } from './rank-process.ts';
import { trainArguments } from './train-arguments.ts';

/** Environment variables for all ranks. Those on other machines do not inherit this process's environment. */
const INHERITED = /^(HOOKLINE_|TF_|NODE_OPTIONS$|UV_THREADPOOL_SIZE$|CUDA_VISIBLE_DEVICES$)/;

/**
 * `hookline launch`: starts `hookline train` as several processes, the ranks of one job, with the `mpirun` of this
 * machine. Ctrl-C, SIGTERM or SIGHUP stops all of them with a checkpoint; a second one ends them at once.
 *
 * @returns the exit status of the job, or of the signal that ended it
 * @throws HooklineError `HKL_USAGE`, `HKL_MPI_MISSING`, `HKL_MPI_UNKNOWN`, `HKL_MPI_NOT_SET_UP`
 */
export async function launch({ text, flag }: CommandLine, argv: readonly string[]): Promise<number> {
  const ranks = countOfRanks(text.ranks);
  const mpirun = findMpirun();
  assertAddon(mpirun);
  const crowd = ranksPerMachine(ranks, text.hosts);
  const cores = availableParallelism();
  const isCrowded = text.hosts === undefined && crowd > cores;
  if (isCrowded)
    printError(
      `warning: ${crowd} ranks share ${cores} ${cores === 1 ? 'core' : 'cores'}, which is slower than fewer ranks`,
    );
  const job = {
    ...{ ranks, hosts: text.hosts, isCrowded, isRoot: process.getuid?.() === 0 },
    command: [process.execPath, ...process.execArgv, process.argv[1] as string, ...trainArguments(argv)],
    env: { ...(text.hosts === undefined ? {} : inherited()), ...ownVariables(argv, flag.allOutput) },
  };
  // A separate process group, because a terminal sends Ctrl-C to a whole group, and mpirun would end the ranks at once.
  const child = spawn(mpirun.path, mpiArguments(mpirun, job), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const processes = new Map<number, number>();
  // MPICH's mpirun would end the job at that signal too, so send it to the ranks directly. Not with ranks on other machines: their process ids
  // may belong to unrelated processes on this machine.
  const ask = (): void => {
    if (mpirun.kind === 'mpich' && text.hosts === undefined) for (const pid of processes.keys()) askToStop(pid);
    else child.kill('SIGUSR2');
  };
  const stop = passSignalsOn(child, ask);
  const output = new JobOutput((line) => void process.stderr.write(line), flag.allOutput, processes);
  // MPICH's mpirun writes its reports to standard output.
  const reports = new JobOutput((line) => void process.stdout.write(line), true, processes);
  if (mpirun.kind === 'mpich')
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      reports.take(chunk);
    });
  else child.stdout.on('data', (chunk: Buffer) => void process.stdout.write(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => output.take(chunk));
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  // Killed ranks may outlive mpirun by a moment, in which a run that is resumed at once would find its folder in use.
  if (text.hosts === undefined) await untilGone([...processes.keys()]);
  const asked = stop();
  output.end();
  reports.end();
  if (output.repeated > 0)
    printError(
      `${output.repeated} messages of other ranks were left out because they repeat one above (--all-output shows them)`,
    );
  const [end] = [...output.ends, ...reports.ends];
  if (end !== undefined) tellOfEnd(end, argv);
  if (asked !== undefined) return EXIT[asked];
  // If a signal has killed a rank, MPICH exits with the number of the signal.
  if (end?.signal !== undefined) return 128 + end.signal;
  return status ?? 128 + constants.signals[signal ?? 'SIGKILL'];
}

function countOfRanks(given: string | undefined): number {
  if (given === undefined)
    throw usageError('the number of processes is missing', 'Write hookline launch -n 2 FILE', 'launch');
  const ranks = Number(given);
  if (Number.isSafeInteger(ranks) && ranks > 0) return ranks;
  throw usageError(`-n ${given} is not a number of processes`, 'Give a whole number of at least 1', 'launch');
}

/** Checks the addon once here, so that not every rank reports the problem. */
function assertAddon({ kind, version }: Mpirun): void {
  const addons = findRanksAddons();
  if (addons.some(({ mpi }) => mpi.startsWith('Open MPI') === (kind === 'openmpi'))) return;
  const others = addons.map(({ mpi }) => mpi).join(', ');
  throw new HooklineError(
    'HKL_MPI_NOT_SET_UP',
    `the addon that connects the processes is not compiled for ${version}${others === '' ? '' : `, only for ${others}`}`,
    {
      who: 'launch',
      fix: 'Run `npx hookline setup`, which needs the compiler mpicxx of that MPI (Debian, Ubuntu: apt install libopenmpi-dev); `npx hookline doctor` shows what is missing',
    },
  );
}

function ownVariables(argv: readonly string[], all: boolean): Readonly<Record<string, string>> {
  return {
    [LAUNCHED_BY]: JSON.stringify(argv),
    ...(all ? { [ALL_OUTPUT]: '1' } : {}),
    // Open MPI gives the ranks a pseudo-terminal, for which Node would color its output.
    ...(process.stdout.isTTY || process.env['FORCE_COLOR'] !== undefined ? {} : { FORCE_COLOR: '0' }),
    ...(process.stderr.isTTY && process.env['TERM'] !== 'dumb'
      ? { [TERMINAL_COLUMNS]: String(process.stderr.columns) }
      : {}),
  };
}

const inherited = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => INHERITED.test(entry[0])),
  );

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Milliseconds in which a repeated signal is ignored. One Ctrl-C may arrive twice: from the terminal, and from npm, which forwards it to the command. */
const ECHO_MS = 300;

/**
 * Handles signals: the first one asks the ranks to stop, the second one ends the job.
 *
 * @returns a function that stops handling signals and returns the first one
 */
function passSignalsOn(child: ChildProcess, ask: () => void): () => (typeof SIGNALS)[number] | undefined {
  let first: { readonly signal: (typeof SIGNALS)[number]; readonly at: number } | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const signal = name as (typeof SIGNALS)[number];
    if (first !== undefined) {
      if (performance.now() - first.at > ECHO_MS) child.kill('SIGTERM');
      return;
    }
    first = { signal, at: performance.now() };
    printError(`${signal}: all ranks stop after this step and save (a second signal ends them at once)`);
    // Both kinds of mpirun end the job at SIGINT and SIGTERM; Open MPI's forwards SIGUSR2 to all ranks.
    ask();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // If this process fails, the ranks must not keep running.
  const onExit = (): void => void child.kill('SIGTERM');
  process.on('exit', onExit);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('exit', onExit);
    return first?.signal;
  };
}

/** Waits until these processes have ended, for five seconds at most. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const end = performance.now() + 5000;
  while (pids.some(isAlive) && performance.now() < end) await sleep(20);
}

function askToStop(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch {
    // The process has ended, or it runs on another machine.
  }
}

function tellOfEnd({ rank, pid, host, signal, exitCode }: RankEnd, argv: readonly string[]): void {
  const place = host === undefined ? '' : ` (${pid === undefined || pid === 0 ? '' : `process ${pid} `}on ${host})`;
  const name = rank === undefined ? 'a rank' : `rank ${rank}`;
  if (signal === undefined) {
    // Hookline's own exit statuses come with a message.
    if (Object.values<number>(EXIT).includes(exitCode ?? -1)) return;
    printError(`error: ${name}${place} has ended with exit status ${exitCode ?? 'unknown'}, and with it the job`);
    return;
  }
  const signalName =
    Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
  const why = signal === constants.signals.SIGKILL ? ', by a user or for lack of memory' : '';
  printError(
    `error: ${name}${place} was killed by ${signalName}${why}; all ranks have ended with it. Go on from the last checkpoint with:\n  ${resumeCommand(argv)}`,
  );
}
