import {
  communicator,
  describeCause,
  drawSeed,
  HooklineError,
  useCommunicator,
  type Communicator,
} from '@hookline/core';
import { MpiCommunicator } from './mpi-communicator.ts';
import { loadRanksAddon, type NativeRanks } from './native-ranks.ts';
import { findRanksAddons, mpiName, type RanksAddon } from '@hookline/native-runtime';
import { rankEnvironment, type RankEnvironment } from './rank-environment.ts';

/** Seconds that an operation may wait for other ranks, unless `HOOKLINE_RANK_TIMEOUT` is set. */
export const RANK_TIMEOUT = 600;
/** Seconds that the other ranks have to end after this one has failed. */
const GRACE = 5;

let native: NativeRanks | undefined;
let joining: Promise<Communicator> | undefined;

/** The addon, once this process has joined the other ranks. */
export const nativeRanks = (): NativeRanks | undefined => native;

/**
 * Joins the other ranks of the job when a launcher (`hookline launch`, `mpirun`, `srun`) has started this process as
 * one of several, and makes them the communicator of the process. Trainers with tensors call it themselves; call it
 * earlier when code before the trainer needs the rank. It does nothing in a process that runs alone. It may be called
 * any number of times.
 *
 * Processes that this one starts afterwards are not ranks: `HOOKLINE_RANKS=off` is set in the environment.
 *
 * @throws HooklineError `HKL_MPI_NOT_SET_UP` when the addon for this MPI has not been compiled, `HKL_MPI_FAILED`,
 * `HKL_MPI_WITHOUT_PMI` when MPI does not find the processes that the launcher has started, `HKL_OPTION_INVALID` for a
 * `HOOKLINE_RANK_TIMEOUT` that is not a number
 */
export function joinRanks(): Promise<Communicator> {
  return (joining ??= join());
}

async function join(): Promise<Communicator> {
  const { env } = process;
  const found = rankEnvironment(env);
  // A job of one process does not need MPI.
  if (found === undefined || found.size === 1) return communicator();
  const limit = timeoutOf(env['HOOKLINE_RANK_TIMEOUT']);
  const loaded = load(found, env);
  const joined = loaded.join(limit);
  if (joined === undefined || Array.isArray(joined))
    throw mpiFailed((joined as [string, string] | undefined)?.[1] ?? '');
  env['HOOKLINE_RANKS'] = 'off';
  const place = joined as Exclude<typeof joined, readonly unknown[]>;
  if (found.size !== undefined && place.size !== found.size) throw notConnected(found.size, place.size, loaded);
  if (place.size === 1) return communicator();
  native = loaded;
  const ranks = new MpiCommunicator(loaded, place);
  process.on('exit', (status) => leave(loaded, ranks, status));
  const [seed] = await ranks.allReduce(
    Float64Array.of(ranks.rank === 0 ? drawSeed() : 0),
    'sum',
    'the seed of the first rank',
  );
  useCommunicator(ranks, seed);
  return ranks;
}

/** Runs at the end of the process: all ranks end together, or the whole job is aborted. */
function leave(ranks: NativeRanks, { rank }: Communicator, status: number): void {
  const problem = ranks.finalize(status === 0 ? 0 : GRACE);
  if (problem === undefined) return;
  // A rank that failed has already reported its error.
  if (status === 0) process.stderr.write(`[${problem[0]}] rank ${rank}: ${problem[1]}\n`);
  ranks.abortAtExit(status === 0 ? 1 : status);
}

function load({ launcher }: RankEnvironment, env: NodeJS.ProcessEnv): NativeRanks {
  const all = findRanksAddons(env);
  const isOpen = ({ mpi }: RanksAddon): boolean => mpi.startsWith('Open MPI');
  // Any MPI may set PMIx variables, but usually it is Open MPI.
  const fitting =
    launcher === 'PMIx'
      ? [...all.filter(isOpen), ...all.filter((each) => !isOpen(each))]
      : all.filter((each) => isOpen(each) === (launcher === 'Open MPI'));
  const [addon] = fitting;
  if (addon === undefined) {
    const others = all.map(({ mpi }) => mpi).join(', ');
    throw notSetUp(
      `for ${launcher === 'PMI' ? 'an MPI such as MPICH' : launcher}${others === '' ? '' : `, only for ${others}`}`,
    );
  }
  let loaded: NativeRanks;
  try {
    loaded = loadRanksAddon(addon.path);
  } catch (cause) {
    throw notSetUp(`that can be loaded here: ${describeCause(cause)}`, cause);
  }
  const version = mpiName(loaded.version());
  if (version !== addon.mpi) throw notSetUp(`for ${version}, only for ${addon.mpi}`);
  return loaded;
}

function timeoutOf(text: string | undefined): number {
  const value = text === undefined || text === '' ? RANK_TIMEOUT : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new HooklineError('HKL_OPTION_INVALID', `HOOKLINE_RANK_TIMEOUT is ${JSON.stringify(text)}`, {
    who: 'joinRanks',
    fix: 'Give the seconds that a rank may wait for others, or 0 for no limit',
  });
}

const notSetUp = (what: string, cause?: unknown): HooklineError =>
  new HooklineError(
    'HKL_MPI_NOT_SET_UP',
    `a launcher has started this process as one of several, and there is no addon ${what}`,
    {
      who: 'joinRanks',
      fix: 'Run `hookline setup` on a machine with this MPI and its compiler mpicxx (on Debian openmpi-bin and libopenmpi-dev). HOOKLINE_RANKS=off lets each process train for itself',
      cause,
    },
  );

/**
 * An MPI that does not support the launcher's protocol treats each process as its own job, and all would train the same
 * model.
 */
const notConnected = (started: number, known: number, native: NativeRanks): HooklineError =>
  new HooklineError(
    'HKL_MPI_WITHOUT_PMI',
    `the launcher has started ${started} processes, and ${mpiName(native.version())} knows of ${known}`,
    {
      who: 'joinRanks',
      fix: 'Use the mpirun of that MPI, or of `srun --mpi=list` what it is built for: pmix for Open MPI, pmi2 for MPICH. Where `hookline setup` has compiled for several, run it again with the one that you use (MPICXX names its compiler)',
    },
  );

const mpiFailed = (text: string): HooklineError =>
  new HooklineError('HKL_MPI_FAILED', text === '' ? 'MPI could not be initialized' : text, {
    who: 'joinRanks',
    fix: 'Look at what MPI has written above. Launcher and libraries must be of one MPI',
  });
