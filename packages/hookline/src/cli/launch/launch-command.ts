import { type ChildProcess, spawn } from 'node:child_process';
import { constants, availableParallelism } from 'node:os';
import { HooklineError } from '@hookline/core';
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

/** What all ranks need, also those on other machines, which inherit nothing from here. */
const INHERITED = /^(HOOKLINE_|TF_|NODE_OPTIONS$|UV_THREADPOOL_SIZE$|CUDA_VISIBLE_DEVICES$)/;

/**
 * `hookline launch`: starts `hookline train` as several processes, the ranks of one job, with the `mpirun` of this
 * machine. Ctrl-C, SIGTERM and SIGHUP end all of them gracefully, with a checkpoint; a second one at once.
 *
 * @returns the exit status: that of the job; that of a signal which ended it
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
    command: [process.execPath, ...process.execArgv, process.argv[1] ?? '', ...trainArguments(argv)],
    env: { ...(text.hosts === undefined ? {} : inherited()), ...ownVariables(argv, flag.allOutput) },
  };
  // In a process group of its own: Ctrl-C of a terminal reaches a whole group, and mpirun would end the ranks at once.
  const child = spawn(mpirun.path, mpiArguments(mpirun, job), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const processes = new Map<number, number>();
  // MPICH's mpirun ends the job at that signal as well, so that the ranks are sent it. With other machines their numbers may be those of
  // processes here that have nothing to do with it.
  const ask = (): void => {
    if (mpirun.kind === 'mpich' && text.hosts === undefined) for (const pid of processes.keys()) askToStop(pid);
    else child.kill('SIGUSR2');
  };
  const stop = passSignalsOn(child, ask);
  const output = new JobOutput((line) => void process.stderr.write(line), flag.allOutput, processes);
  // MPICH's mpirun reports on standard output.
  const reports = new JobOutput((line) => void process.stdout.write(line), true, processes);
  if (mpirun.kind === 'mpich')
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      reports.take(chunk);
    });
  else child.stdout.on('data', (chunk: Buffer) => void process.stdout.write(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => output.take(chunk));
  const ended = await new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal }));
  });
  const asked = stop();
  output.end();
  reports.end();
  if (output.repeated > 0)
    printError(
      `${output.repeated} messages of other ranks that repeat one above are left out (--all-output shows them)`,
    );
  const [end] = [...output.ends, ...reports.ends];
  if (end !== undefined) tellOfEnd(end, argv);
  if (asked !== undefined) return EXIT[asked];
  // MPICH ends with the number of a signal that has killed a rank, as if it were a status.
  if (end?.signal !== undefined) return 128 + end.signal;
  return ended.status ?? 128 + constants.signals[ended.signal ?? 'SIGKILL'];
}

function countOfRanks(given: string | undefined): number {
  if (given === undefined)
    throw usageError('it is not said how many processes shall train', 'Write hookline launch -n 2 FILE', 'launch');
  const ranks = Number(given);
  if (Number.isSafeInteger(ranks) && ranks > 0) return ranks;
  throw usageError(`-n ${given} is no number of processes`, 'Give a whole number of at least 1', 'launch');
}

/** Once, before each rank finds it out by itself. */
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
    // Open MPI gives the ranks a terminal of its own, for which Node would colour what it prints.
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
/** One Ctrl-C may arrive twice: from the terminal, and once more from npm, which passes it on to what it runs. */
const ECHO_MS = 300;

/**
 * The first signal asks the ranks to stop, the second ends the job.
 *
 * @returns the function that ends this and tells which signal came first
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
    printError(`${signal}: all ranks stop after this step and save (once more ends them at once)`);
    // Both kinds of mpirun end the job at SIGINT and SIGTERM; SIGUSR2 Open MPI's passes on to all ranks.
    ask();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // An error of ours must not leave them behind.
  const onExit = (): void => void child.kill('SIGTERM');
  process.on('exit', onExit);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('exit', onExit);
    return first?.signal;
  };
}

function askToStop(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch {
    // It has ended, or is one of another machine.
  }
}

function tellOfEnd({ rank, pid, host, signal, exitCode }: RankEnd, argv: readonly string[]): void {
  const place = host === undefined ? '' : ` (${pid === undefined || pid === 0 ? '' : `process ${pid} `}on ${host})`;
  const name = rank === undefined ? 'a rank' : `rank ${rank}`;
  if (signal === undefined) {
    // Those of ours come with a message.
    if (Object.values<number>(EXIT).includes(exitCode ?? -1)) return;
    printError(`error: ${name}${place} has ended with exit status ${exitCode ?? 'unknown'}, and with it the job`);
    return;
  }
  const signalName =
    Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
  const why = signal === constants.signals.SIGKILL ? ', by somebody or for want of memory' : '';
  printError(
    `error: ${name}${place} was killed by ${signalName}${why}; all ranks have ended with it. Go on from the last checkpoint with:\n  ${resumeCommand(argv)}`,
  );
}
