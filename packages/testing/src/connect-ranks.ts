import { type Communicator, HooklineError, type ReduceOperation } from '@hookline/core';

/** A rank of {@link connectRanks}. */
export interface ConnectedRank extends Communicator {
  /** Makes this rank leave: current and later operations of the others fail. */
  leave(): void;
}

/** One rank's call of an operation. */
interface Call {
  readonly name: string;
  readonly value: unknown;
  resolve(values: readonly unknown[]): void;
  reject(error: unknown): void;
}

/**
 * Connects ranks of one job within this process, for tests. Trainers that each receive one of them and run concurrently behave
 * towards each other like processes under `mpirun`. Gradients are not reduced, so give all ranks the same data.
 *
 * @example
 * const ranks = connectRanks(2);
 * await Promise.all(ranks.map((comm) => new TrainerBase({ ..., services: [replace(commRef, () => comm)] }).train()));
 */
export function connectRanks(size: number): readonly ConnectedRank[] {
  const queues: Call[][] = Array.from({ length: size }, () => []);
  let ended: HooklineError | undefined;

  const meet = (): void => {
    while (queues.every((queue) => queue.length > 0)) {
      const calls = queues.map((queue) => queue.shift() as Call);
      const names = calls.map(({ name }) => name);
      if (names.every((name) => name === names[0])) {
        const values = calls.map(({ value }) => value);
        for (const call of calls) call.resolve(values);
      } else {
        const list = names.map((name, rank) => `rank ${rank}: ${name}`).join('; ');
        for (const call of calls)
          call.reject(new HooklineError('HKL_RANKS_DISAGREE', `the ranks are at different things: ${list}`));
      }
    }
  };
  const end = (error: HooklineError): void => {
    ended ??= error;
    for (const queue of queues) for (const call of queue.splice(0)) call.reject(ended);
  };
  const call = <T>(rank: number, name: string, value: T): Promise<readonly T[]> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) {
        reject(ended);
        return;
      }
      queues[rank]?.push({ name, value, resolve: resolve as Call['resolve'], reject });
      meet();
    });

  return Array.from({ length: size }, (_, rank): ConnectedRank => {
    const named = (operation: string, what: string | undefined): string =>
      what === undefined ? operation : `${operation} of ${what}`;
    return {
      ...{ rank, size, localRank: rank, localSize: size },
      async barrier(what) {
        await call(rank, named('barrier', what), undefined);
      },
      async broadcast(bytes, root = 0, what?: string) {
        const all = await call(rank, named(`broadcast from ${root}`, what), bytes?.slice());
        return (all[root] as Uint8Array).slice();
      },
      async gather(bytes, root = 0, what?: string) {
        const all = await call(rank, named(`gather on ${root}`, what), bytes.slice());
        return rank === root ? all : undefined;
      },
      async allReduce(numbers, operation, what) {
        const all = await call(rank, named(`${operation} of ${numbers.length}`, what), numbers.slice());
        return numbers.map((_number, place) => REDUCE[operation](all.map((each) => each[place] as number)));
      },
      // These ranks do not share steps.
      leaveStep: () => undefined,
      abort(status) {
        end(new HooklineError('HKL_RANK_FAILED', `rank ${rank} has ended the job with status ${status}`));
        throw ended;
      },
      leave: () => end(new HooklineError('HKL_RANK_SILENT', `rank ${rank} comes no more`, { who: `rank ${rank}` })),
    };
  });
}

/**
 * Runs a function on all ranks concurrently. A rank that is done or has failed leaves the others.
 *
 * @returns the result of each rank
 * @throws the error of the first rank that failed by itself, not the errors that it caused on the others
 */
export async function onRanks<T>(
  ranks: readonly ConnectedRank[],
  fn: (comm: ConnectedRank) => Promise<T>,
): Promise<readonly T[]> {
  const errors: unknown[] = [];
  const results = await Promise.all(
    ranks.map(async (comm) => {
      try {
        return await fn(comm);
      } catch (error) {
        errors.push(error);
        return undefined;
      } finally {
        comm.leave();
      }
    }),
  );
  if (errors.length > 0) throw errors[0];
  return results as T[];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const REDUCE: Readonly<Record<ReduceOperation, (numbers: readonly number[]) => number>> = {
  sum,
  mean: (numbers) => sum(numbers) / numbers.length,
  max: (numbers) => Math.max(...numbers),
  min: (numbers) => Math.min(...numbers),
};
