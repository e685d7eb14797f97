/** Which of the processes of a job this one is, as whoever started it says in the environment. */
export interface RankPlace {
  /** From 0 up. */
  readonly rank: number;
  /** How many processes the job has. */
  readonly size: number;
  /** Which of those on this machine, from 0 up. */
  readonly localRank: number;
  /** How many are on this machine. */
  readonly localSize: number;
  /** Who says so, for messages. */
  readonly startedBy: string;
}

/** The variables that say it, by who sets them: rank, size, local rank, local size. */
const STARTERS = [
  {
    startedBy: 'mpirun of Open MPI',
    names: [
      'OMPI_COMM_WORLD_RANK',
      'OMPI_COMM_WORLD_SIZE',
      'OMPI_COMM_WORLD_LOCAL_RANK',
      'OMPI_COMM_WORLD_LOCAL_SIZE',
    ],
  },
  { startedBy: 'mpiexec of MPICH', names: ['PMI_RANK', 'PMI_SIZE', 'MPI_LOCALRANKID', 'MPI_LOCALNRANKS'] },
  // The number of tasks of the step: in a batch script itself, outside of srun, only those of the whole job are set.
  {
    startedBy: 'srun of Slurm',
    names: ['SLURM_PROCID', 'SLURM_STEP_NUM_TASKS', 'SLURM_LOCALID', 'SLURM_STEP_TASKS_PER_NODE'],
  },
] as const;

/**
 * Whether this process is one of several of a job, started by `mpirun`, `mpiexec` or `srun`, by hand or by
 * `hookline launch` or an MPIJob.
 *
 * @returns undefined where it is alone, also as the only process of a job
 */
export function readRank(env: NodeJS.ProcessEnv = process.env): RankPlace | undefined {
  for (const { startedBy, names } of STARTERS) {
    const [rank, size, localRank, localSize] = names.map((name) => countIn(env[name]));
    if (rank === undefined || size === undefined || size < 2) continue;
    const here = Math.max(1, localSize ?? 1);
    return { rank, size, localRank: localRank ?? 0, localSize: here, startedBy };
  }
  return undefined;
}

/** The number that a value begins with: Slurm writes `4(x2)` for four tasks on each of two machines. */
function countIn(value: string | undefined): number | undefined {
  const [digits] = /^\d+/.exec(value ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}
