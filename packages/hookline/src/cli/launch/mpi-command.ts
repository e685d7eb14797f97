import type { Mpirun } from './find-mpirun.ts';

/** A job to be started. */
export interface Job {
  /** Number of processes. */
  readonly ranks: number;
  /** Machines with their largest numbers of ranks: `a:4,b:4`. Default: this machine. */
  readonly hosts: string | undefined;
  /** Command line of each rank. */
  readonly command: readonly string[];
  /** Environment variables for the ranks, including those on other machines. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether there are more ranks than cores, so that a waiting rank must yield its core. */
  readonly isCrowded: boolean;
  readonly isRoot: boolean;
}

/** The arguments of `mpirun` that start a job. */
export function mpiArguments({ kind }: Pick<Mpirun, 'kind'>, job: Job): readonly string[] {
  const { ranks, hosts, command, env, isCrowded, isRoot } = job;
  const variables = Object.entries(env);
  if (kind === 'mpich') {
    return [
      ...['-n', String(ranks)],
      ...(hosts === undefined ? [] : ['-hosts', hosts]),
      ...variables.flatMap(([name, value]) => ['-genv', name, value]),
      ...command,
    ];
  }
  return [
    ...['-n', String(ranks)],
    // Otherwise each rank would be bound to one core. The ranks themselves set their numbers of threads.
    ...['--bind-to', 'none'],
    ...(hosts === undefined ? ['--oversubscribe'] : ['--host', hosts]),
    // In containers, root is the usual user, so Hookline allows it.
    ...(isRoot ? ['--allow-run-as-root'] : []),
    // Open MPI spins while it waits, unless told to yield.
    ...(isCrowded ? ['--mca', 'mpi_yield_when_idle', '1'] : []),
    ...variables.flatMap(([name, value]) => ['-x', `${name}=${value}`]),
    ...command,
  ];
}

/**
 * The largest number of ranks on one machine.
 *
 * @param hosts as in {@link Job.hosts}
 */
export function ranksPerMachine(ranks: number, hosts: string | undefined): number {
  if (hosts === undefined) return ranks;
  const slots = hosts.split(',').map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? 1));
  return Math.min(ranks, Math.max(...slots));
}
