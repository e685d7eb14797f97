import { z } from 'zod';

/** A data source that knows its own position, so that a resumed training goes on at the same batch. */
export interface ResumableData {
  /**
   * Batches of one epoch, where that is not `length`: a fraction where batches go on across the end of the data. Undefined where it
   * is not known.
   */
  readonly epochLength?: number | undefined;
  state(): unknown;
  /** Goes on where `state` was taken. @throws for what it never gave, and for a position that it does not have */
  restore(state: unknown): void;
  /**
   * Says in one sentence why a state cannot be restored, before anything of a checkpoint is loaded. Left out, `restore`
   * is what refuses it.
   */
  misfit?(state: unknown): string | undefined;
  /** What must be the same for positions to mean the same, such as the number of samples; a resumed run compares it. */
  fingerprint?(): DataFingerprint;
}

/** Cheap facts about data, by name. */
export type DataFingerprint = Readonly<Record<string, string | number | boolean>>;

/** What a {@link BatchSourceState} must be like. */
export const batchSourceState = z.object({
  epoch: z.int().min(0),
  batches: z.int().min(0),
  source: z.unknown().optional(),
});

/** Position of a BatchSource. */
export interface BatchSourceState {
  /** Passes completed. */
  readonly epoch: number;
  /** Batches taken in the pass in progress. */
  readonly batches: number;
  /** What the data source itself saved, where it can. */
  readonly source?: unknown;
}
