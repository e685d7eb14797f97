import tf from '#tfjs';

/** What one pass through a batch-norm layer in train mode normalises by. */
export interface BatchStatistics {
  /** Of each channel, [channels]. */
  readonly mean: tf.Tensor;
  /** Biased, of each channel, [channels]. */
  readonly variance: tf.Tensor;
  /** Values per channel that they were computed of. */
  readonly count: number;
}

/** A batch-norm layer, for whoever estimates its population statistics. */
export interface BatchNorm {
  readonly name: string;
  /** The mean used in eval mode, [channels]. */
  readonly mean: tf.Variable;
  /** The variance used in eval mode, [channels]. */
  readonly variance: tf.Variable;
  /**
   * Shows the batch's own statistics at every pass in train mode, until the returned function is called. The tensors are
   * freed with the `tf.tidy` around the pass.
   */
  watch(listener: (statistics: BatchStatistics) => void): () => void;
  /**
   * Lets it stand still, or move again: a frozen one normalises by `mean` and `variance` in train mode as well, and leaves them
   * as they are. A captured step must be recorded anew for it, by a variant of its scope. Layers that cannot do so have none.
   */
  freeze?(isFrozen: boolean): void;
}

/** A batch-norm layer of a model that is made of functions. */
export interface WatchableBatchNorm extends BatchNorm {
  /**
   * Whether it is trained. One that is not must normalise by `mean` and `variance` in train mode too, and leave them as
   * they are; nobody estimates them anew.
   */
  readonly trainable: boolean;
  /**
   * Call it in the losses, in train mode, with what the layer normalises over all axes but `axis` (default: the last). It
   * does nothing unless somebody watches.
   */
  report(x: tf.Tensor, axis?: number): void;
}

/**
 * The batch norm of a {@link functionModel}, which computes it by itself.
 *
 * @example
 * const norm = watchableBatchNorm({ name: 'norm', mean, variance });
 * functionModel({
 *   variables: { mean, variance, ... }, batchNorms: [norm],
 *   losses: ({ x }, training) => { if (training && norm.trainable) norm.report(x); ... },
 * });
 *
 * @param parts.trainable false freezes it, see {@link WatchableBatchNorm.trainable}. Default true
 */
export function watchableBatchNorm({
  trainable = true,
  ...parts
}: Pick<BatchNorm, 'name' | 'mean' | 'variance'> & Partial<Pick<WatchableBatchNorm, 'trainable'>>): WatchableBatchNorm {
  const listeners = new Set<(statistics: BatchStatistics) => void>();
  let isFrozen = false;
  return {
    ...parts,
    get trainable() {
      return trainable && !isFrozen;
    },
    freeze: (isAsked) => {
      isFrozen = isAsked;
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    report: (x, axis) => {
      if (listeners.size === 0) return;
      const statistics = batchStatistics(x, axis);
      for (const listener of listeners) listener(statistics);
    },
  };
}

/** Mean and biased variance of each channel. */
export function batchStatistics(x: tf.Tensor, axis = -1): BatchStatistics {
  const channels = axis < 0 ? axis + x.rank : axis;
  const { mean, variance } = tf.moments(
    x,
    x.shape.map((_, each) => each).filter((each) => each !== channels),
  );
  return { mean, variance, count: x.size / (x.shape[channels] ?? 1) };
}
