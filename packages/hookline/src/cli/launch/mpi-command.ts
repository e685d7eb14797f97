import type { Mpirun } from './find-mpirun.ts';

/** What is to be started. */
export interface Job {
  /** How many processes. */
  readonly ranks: number;
  /** Machines, each with how many ranks it may have: `a:4,b:4`; this one where it is left out. */
  readonly hosts: string | undefined;
  /** What each rank runs. */
  readonly command: readonly string[];
  /** Variables that ranks get, also on other machines. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether there are more ranks than cores, so that who waits must leave the core to others. */
  readonly isCrowded: boolean;
  readonly isRoot: boolean;
}

/** The words behind the name of `mpirun` that start a job. */
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
    // Several ranks of one machine would share one core each otherwise; how many threads they take they know themselves.
    ...['--bind-to', 'none'],
    ...(hosts === undefined ? ['--oversubscribe'] : ['--host', hosts]),
    // In containers root is the usual user; who starts Hookline as root means it.
    ...(isRoot ? ['--allow-run-as-root'] : []),
    // Open MPI spins while it waits.
    ...(isCrowded ? ['--mca', 'mpi_yield_when_idle', '1'] : []),
    ...variables.flatMap(([name, value]) => ['-x', `${name}=${value}`]),
    ...command,
  ];
}

/**
 * How many ranks a machine gets at most.
 *
 * @param hosts as in {@link Job.hosts}
 */
export function ranksPerMachine(ranks: number, hosts: string | undefined): number {
  if (hosts === undefined) return ranks;
  const slots = hosts.split(',').map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? 1));
  return Math.min(ranks, Math.max(...slots));
}
