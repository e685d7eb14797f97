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

/** The part of the data that a rank evaluates: a contiguous range of batches. Undefined for data that cannot be shared. */
export function partOf(loader: DataSource, comm: Communicator): DataSource | undefined {
  const data: unknown = typeof loader === 'function' ? loader() : loader;
  if (Array.isArray(data)) return data.slice(...runOf(data.length, comm)) as DataSource;
  return shareData(data, comm, 'batches') ? (data as DataSource) : undefined;
}

/**
 * Evaluates on several ranks.
 *
 * @param data all data, and the part of this rank if the evaluation is shared
 * @param infer runs the evaluator over a data source, and returns the number of batches
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
  // With few samples and many ranks, a rank may have no batch, but it still contributes a part.
  if (counts.every((each) => each === 0)) throw empty();
  const parts = await comm.gather(serialize(evaluator.share?.()), 0, what);
  return onFirstRank(
    comm,
    async () => {
      evaluator.merge?.((parts as readonly Uint8Array[]).map((part) => deserialize(part) as unknown));
      return (await evaluator.evaluate()) ?? {};
    },
    what,
  );
}
