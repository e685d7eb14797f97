import { deserialize, serialize } from 'node:v8';
import {
  type Communicator,
  gatherFromRanks,
  type HooklineError,
  onEveryRank,
  onFirstRank,
  type Results,
  runOf,
  shareData,
  type DatasetEvaluator,
} from '@hookline/core';
import type { DataSource } from '@hookline/tfjs';

/** The part of the data that a rank evaluates: a run of neighbouring batches. Undefined for data that cannot be shared. */
export function partOf(loader: DataSource, comm: Communicator): DataSource | undefined {
  const data: unknown = typeof loader === 'function' ? loader() : loader;
  if (Array.isArray(data)) return data.slice(...runOf(data.length, comm)) as DataSource;
  return shareData(data, comm, 'batches') ? (data as DataSource) : undefined;
}

/**
 * An evaluation by several ranks.
 *
 * @param data all of it, and the part of this rank, if the evaluation is shared
 * @param infer shows a data source to the evaluator, and returns how many batches there were
 * @returns the results, on every rank
 */
export async function evaluateOnRanks(
  comm: Communicator,
  evaluator: DatasetEvaluator,
  { whole, own }: { readonly whole: DataSource; readonly own: DataSource | undefined },
  infer: (data: DataSource) => Promise<number>,
  empty: () => HooklineError,
): Promise<Results> {
  const what = 'the evaluation';
  if (own === undefined) {
    return onFirstRank(
      comm,
      async () => {
        if ((await infer(whole)) === 0) throw empty();
        return (await evaluator.evaluate()) ?? {};
      },
      what,
    );
  }
  const count = await onEveryRank(comm, () => infer(own), what);
  const counts = await gatherFromRanks(comm, count, what);
  // A rank without a batch has its part as well: a few samples among many ranks.
  if (counts.every((each) => each === 0)) throw empty();
  const parts = await comm.gather(serialize(evaluator.share?.()), 0, what);
  return onFirstRank(
    comm,
    async () => {
      evaluator.merge?.(parts?.map((part) => deserialize(part) as unknown) ?? []);
      return (await evaluator.evaluate()) ?? {};
    },
    what,
  );
}
