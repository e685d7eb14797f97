import { findRanksAddons } from '@hookline/native-runtime';
import { describeCause } from '@hookline/core';
import { findMpirun, type Mpirun } from './find-mpirun.ts';

/** Whether several processes can train together on this machine, as `doctor` shows it. */
export interface RanksDiagnosis {
  readonly isPossible: boolean;
  /** The command that starts them; undefined if there is none. */
  readonly mpirun: Mpirun | undefined;
  /** The MPI implementations for which `hookline setup` has compiled the addon. */
  readonly addons: readonly string[];
  /** One line that says why it is possible, or what is missing. */
  readonly reason: string;
}

/** Looks for `mpirun` and for the addon. */
export function diagnoseRanks(env: NodeJS.ProcessEnv = process.env): RanksDiagnosis {
  const addons = findRanksAddons(env).map(({ mpi }) => mpi);
  let mpirun: Mpirun | undefined;
  let problem = '';
  try {
    mpirun = findMpirun(env);
  } catch (error) {
    problem = describeCause(error).replace(/^\[\w+\] launch: /, '');
  }
  const isCompiled = addons.some((mpi) => mpi.startsWith('Open MPI') === (mpirun?.kind === 'openmpi'));
  // Under Slurm, srun starts the processes.
  const isPossible = addons.length > 0 && (mpirun === undefined || isCompiled);
  const reason = isPossible
    ? mpirun === undefined
      ? `by srun or another launcher, with ${addons.join(', ')}; \`hookline launch\` needs mpirun: ${problem}`
      : `\`hookline launch -n 2 FILE\`, with ${mpirun.version}`
    : mpirun === undefined
      ? problem
      : `${mpirun.version} is installed, but the addon is not compiled for it: run \`npx hookline setup\`, which needs mpicxx (Debian, Ubuntu: apt install libopenmpi-dev)`;
  return { isPossible, mpirun, addons, reason };
}
