import { z } from 'zod';

/** A data source that knows its own position, so that a resumed training continues at the same batch. */
export interface ResumableData {
  /**
   * The number of batches in one epoch, when it differs from `length`. It is fractional when batches continue across
   * the end of the data, and undefined when it is unknown.
   */
  readonly epochLength?: number | undefined;
  state(): unknown;
  /**
   * Continues from where `state` was taken.
   * @throws for a state that this source never returned, or a position that it does not have
   */
  restore(state: unknown): void;
  /**
   * Returns, in one sentence, why a state cannot be restored; it is called before anything of a checkpoint is loaded.
   * Without this method, `restore` must refuse the state.
   */
  misfit?(state: unknown): string | undefined;
  /**
   * Facts that must be equal for positions to be comparable, such as the number of samples. A resumed run compares
   * them.
   */
  fingerprint?(): DataFingerprint;
}

/** Facts about the data that are cheap to obtain, by name. */
export type DataFingerprint = Readonly<Record<string, string | number | boolean>>;

/** The schema of a {@link BatchSourceState}. */
export const batchSourceState = z.object({
  epoch: z.int().min(0),
  batches: z.int().min(0),
  source: z.unknown().optional(),
});

/** The position of a BatchSource. */
export interface BatchSourceState {
  /** The number of completed passes. */
  readonly epoch: number;
  /** The number of batches taken in the current pass. */
  readonly batches: number;
  /** The state that the data source itself saved, if it supports this. */
  readonly source?: unknown;
}
