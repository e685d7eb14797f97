import { spawnSync } from 'node:child_process';
import { HooklineError } from '@hookline/core';

/** Implementation of `mpirun`; the options differ. */
export type MpiKind = 'openmpi' | 'mpich';

/** The command that starts the ranks of a job. */
export interface Mpirun {
  readonly path: string;
  readonly kind: MpiKind;
  /** First line of its version output. */
  readonly version: string;
}

/** Environment variable that names the command to use instead of `mpirun`. */
export const MPIRUN = 'HOOKLINE_MPIRUN';

/**
 * Finds `mpirun` or `mpiexec`, and its implementation.
 *
 * @throws HooklineError `HKL_MPI_MISSING` with what to install; `HKL_MPI_UNKNOWN` if it is neither Open MPI nor MPICH
 */
export function findMpirun(env: NodeJS.ProcessEnv = process.env): Mpirun {
  const given = env[MPIRUN];
  for (const path of given ? [given] : ['mpirun', 'mpiexec']) {
    const { status, stdout, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8', env, timeout: 20_000 });
    if (status !== 0) continue;
    const said = `${stdout}\n${stderr}`;
    const kind = kindOf(said);
    if (kind === undefined) throw unknownMpi(path, said);
    return { path, kind, version: (said.trim().split('\n')[0] ?? '').replace(/:$/, '') };
  }
  throw missing(given);
}

/** The commands of Intel MPI and MVAPICH are MPICH's. */
function kindOf(version: string): MpiKind | undefined {
  if (/open.?mpi|prte|OpenRTE/i.test(version)) return 'openmpi';
  return /hydra|mpich|intel\(r\) mpi/i.test(version) ? 'mpich' : undefined;
}

function missing(given: string | undefined): HooklineError {
  return new HooklineError(
    'HKL_MPI_MISSING',
    given ? `${MPIRUN}=${given} cannot be run` : 'there is no mpirun, which starts the processes',
    {
      who: 'launch',
      fix: `Install Open MPI or MPICH with its headers (Debian, Ubuntu: apt install openmpi-bin libopenmpi-dev; Fedora: dnf install openmpi-devel; macOS: brew install open-mpi), then run \`npx hookline setup\`${given ? '' : `; ${MPIRUN} names one in another place`}`,
    },
  );
}

function unknownMpi(path: string, said: string): HooklineError {
  return new HooklineError(
    'HKL_MPI_UNKNOWN',
    `${path} is neither Open MPI's nor MPICH's: ${said.trim().slice(0, 200)}`,
    {
      who: 'launch',
      fix: `Set ${MPIRUN} to one of those, or start the ranks yourself: each of them runs \`hookline train\``,
    },
  );
}
