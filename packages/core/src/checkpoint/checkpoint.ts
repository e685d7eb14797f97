import type { HostTensor } from './host-tensor.ts';

/** What one part of a run saves besides tensors. */
export interface CheckpointEntry {
  /** Version of whoever saved it. */
  readonly version?: string | undefined;
  /** Plain data: objects, arrays, numbers (also NaN, infinities, -0), strings, booleans, null. */
  readonly data: unknown;
}

/** What a checkpoint says about itself when it is written. */
export interface CheckpointDraft {
  /** The next iteration to run. */
  readonly iteration: number;
  /** Version of Hookline. */
  readonly hookline: string;
  /** When it was made, ISO 8601; now by default. */
  readonly created?: string | undefined;
  /** What each part of the run saved, by its key. */
  readonly entries: Readonly<Record<string, CheckpointEntry>>;
}

/** What a checkpoint says about itself. */
export interface CheckpointManifest extends CheckpointDraft {
  /** Version of the format. */
  readonly format: number;
  readonly created: string;
  /** SHA-256 of the data section, in hexadecimal digits. */
  readonly sha256: string;
}

/** A checkpoint as it is read. */
export interface Checkpoint {
  readonly manifest: CheckpointManifest;
  readonly tensors: Map<string, HostTensor>;
}

/** A checkpoint as it is written; one that was read is one. */
export interface CheckpointInput {
  readonly manifest: CheckpointDraft;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}
