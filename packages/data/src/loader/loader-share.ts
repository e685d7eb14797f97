import { HooklineError, type RankShare } from '@hookline/core';

/** The share of a single process: everything. */
export const WHOLE: RankShare = Object.freeze({ rank: 0, size: 1, of: 'rows' });

/** @throws HooklineError `HKL_DATA_SHARE` unless all ranks get the same number of rows of a batch */
export function assertShared(who: string, batchSize: number, { size, of }: RankShare): void {
  if (of === 'batches' || batchSize % size === 0) return;
  throw new HooklineError('HKL_DATA_SHARE', `a batch of ${batchSize} cannot be shared equally by ${size} ranks`, {
    who,
    fix: `The batch size is the total over all ranks: set it to a multiple of ${size}, such as ${Math.ceil(batchSize / size) * size}, or start another number of ranks`,
  });
}

/**
 * The places of a batch's rows that a rank takes: every `size`-th one. Rows of a last batch that is not full are dropped so
 * that all ranks get the same number. Undefined if the rank takes all rows.
 */
export function placesOf(rows: number, { rank, size, of }: RankShare): number[] | undefined {
  if (size === 1 || of === 'batches') return undefined;
  return Array.from({ length: Math.floor(rows / size) }, (_, place) => place * size + rank);
}

/** The rows at {@link placesOf}. */
export function rowsOf<T extends { readonly length: number; filter(test: (row: number, place: number) => boolean): T }>(
  rows: T,
  share: RankShare,
): T {
  const places = placesOf(rows.length, share);
  if (places === undefined) return rows;
  const taken = new Set(places);
  return rows.filter((_, place) => taken.has(place));
}
