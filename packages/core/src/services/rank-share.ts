import type { Communicator } from './communicator.ts';

/** The share of the data that one of several ranks takes. */
export interface RankShare extends Pick<Communicator, 'rank' | 'size'> {
  /**
   * `rows`: every n-th sample of each batch, for training, where all ranks together process one batch. `batches`: a
   * contiguous range of batches, for evaluation.
   */
  readonly of: 'rows' | 'batches';
}

/**
 * A data source that several ranks can share. Its positions are those of the whole data, so that any number of ranks
 * can resume from a checkpoint.
 */
export interface SharedData {
  /**
   * Sets the share of this rank. Called before the data are iterated, and again for another share. @throws where the
   * data cannot be shared in this way
   */
  shareAmong(share: RankShare): void;
}

/**
 * Tells a data source which share this rank takes.
 *
 * @returns false where several ranks train and the source cannot be shared, else true
 */
export function shareData(
  data: unknown,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
  of: RankShare['of'],
): boolean {
  if (size === 1) return true;
  const { shareAmong } = (data ?? {}) as Partial<SharedData>;
  if (typeof shareAmong !== 'function') return false;
  shareAmong.call(data, { rank, size, of });
  return true;
}

/**
 * The contiguous range of `count` items that a rank takes; the first ranks take one more where the number is not
 * divisible.
 */
export function runOf(
  count: number,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): readonly [first: number, end: number] {
  const [share, extra] = [Math.floor(count / size), count % size];
  const first = rank * share + Math.min(rank, extra);
  return [first, first + share + (rank < extra ? 1 : 0)];
}
