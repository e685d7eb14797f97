import type { Communicator } from './communicator.ts';

/** Which share of the data one of several ranks takes. */
export interface RankShare extends Pick<Communicator, 'rank' | 'size'> {
  /**
   * `rows`: of each batch every so many of the samples, for training, where all ranks together make up a batch. `batches`: a run of
   * neighbouring batches, for evaluation.
   */
  readonly of: 'rows' | 'batches';
}

/**
 * A data source that several ranks can share. Its positions are those of the whole data, so that any number of ranks goes on from a
 * checkpoint.
 */
export interface SharedData {
  /** Called before the data are iterated, also again with another share. @throws where they cannot be shared in this way */
  shareAmong(share: RankShare): void;
}

/**
 * Tells a data source which share this rank takes.
 *
 * @returns whether it can be shared; in a single process it need not be
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

/** The run of neighbours that a rank takes of so many; the first ranks take one more where needed. */
export function runOf(
  count: number,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): readonly [first: number, end: number] {
  const [share, extra] = [Math.floor(count / size), count % size];
  const first = rank * share + Math.min(rank, extra);
  return [first, first + share + (rank < extra ? 1 : 0)];
}
