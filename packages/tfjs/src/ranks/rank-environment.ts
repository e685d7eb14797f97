import { HooklineError } from '@hookline/core';

/** Kinds of programs that start the processes of a job. */
export type Launcher = 'Open MPI' | 'PMI' | 'PMIx';

/** What a launcher tells a process that it starts. */
export interface RankEnvironment {
  readonly launcher: Launcher;
  readonly rank: number;
  /** Undefined when only MPI itself knows the size. */
  readonly size: number | undefined;
}

/**
 * Returns the rank environment when a launcher has started this process as one of several, else undefined. It relies on
 * variables that only launchers set: `OMPI_COMM_WORLD_RANK` (Open MPI's mpirun), `PMI_RANK` (MPICH's and Intel's
 * mpiexec, `srun --mpi=pmi2`) or `PMIX_RANK` (`srun --mpi=pmix`). Slurm's own `SLURM_PROCID` does not make a process a
 * rank, because the script of `sbatch` has it too. `HOOKLINE_RANKS=off` says that this process is not a rank.
 *
 * @throws HooklineError `HKL_MPI_WITHOUT_PMI` in one of several tasks of a `srun` that does not connect them
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
