import { HooklineError } from '@hookline/core';

/** Kinds of programs that start the processes of a job. */
export type Launcher = 'Open MPI' | 'PMI' | 'PMIx';

/** What a launcher tells a process that it has started. */
export interface RankEnvironment {
  readonly launcher: Launcher;
  readonly rank: number;
  /** Undefined where only MPI itself knows. */
  readonly size: number | undefined;
}

/**
 * Whether this process is one of several that a launcher has started, by what only launchers set: `OMPI_COMM_WORLD_RANK` (Open MPI's
 * mpirun), `PMI_RANK` (MPICH's and Intel's mpiexec, `srun --mpi=pmi2`) or `PMIX_RANK` (`srun --mpi=pmix`). Slurm's own `SLURM_PROCID`
 * does not make a process a rank: the script of `sbatch` has it too. `HOOKLINE_RANKS=off` says that this is none.
 *
 * @throws HooklineError `HKL_MPI_WITHOUT_PMI` in one of several tasks of a `srun` that connects none of them
 */
export function rankEnvironment(env: NodeJS.ProcessEnv = process.env): RankEnvironment | undefined {
  if (env['HOOKLINE_RANKS'] === 'off') return undefined;
  const known: readonly (readonly [Launcher, string, string])[] = [
    ['Open MPI', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
    ['PMI', 'PMI_RANK', 'PMI_SIZE'],
    ['PMIx', 'PMIX_RANK', 'SLURM_STEP_NUM_TASKS'],
  ];
  for (const [launcher, rankName, sizeName] of known) {
    const rank = countOf(env[rankName]);
    if (rank !== undefined) return { launcher, rank, size: countOf(env[sizeName]) };
  }
  const tasks = countOf(env['SLURM_STEP_NUM_TASKS']) ?? 1;
  if (tasks > 1 && countOf(env['SLURM_PROCID']) !== undefined) {
    throw new HooklineError(
      'HKL_MPI_WITHOUT_PMI',
      `srun has started ${tasks} tasks, and none of them is told of the others`,
      {
        who: 'joinRanks',
        fix: 'Start them with `srun --mpi=pmix` or `srun --mpi=pmi2`, whichever `srun --mpi=list` names and your MPI is built for. HOOKLINE_RANKS=off lets each train for itself',
      },
    );
  }
  return undefined;
}

const countOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
