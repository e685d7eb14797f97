import tf from '#tfjs';

/** The statistics by which a batch-norm layer normalises in one pass in train mode. */
export interface BatchStatistics {
  /** Mean of each channel, shape [channels]. */
  readonly mean: tf.Tensor;
  /** Biased variance of each channel, shape [channels]. */
  readonly variance: tf.Tensor;
  /** The number of values per channel from which they were computed. */
  readonly count: number;
}

/** A batch-norm layer, as seen by code that estimates its population statistics. */
export interface BatchNorm {
  readonly name: string;
  /** The mean used in eval mode, shape [channels]. */
  readonly mean: tf.Variable;
  /** The variance used in eval mode, shape [channels]. */
  readonly variance: tf.Variable;
  /**
   * Calls `listener` with the batch's own statistics at every pass in train mode, until the returned function is
   * called. The tensors are freed with the `tf.tidy` around the pass.
   */
  watch(listener: (statistics: BatchStatistics) => void): () => void;
  /**
   * Freezes or unfreezes the layer. A frozen layer normalises by `mean` and `variance` in train mode too, and does not
   * change them. A captured step must then be recorded anew, through a variant of its scope. Layers that cannot be
   * frozen lack this method.
   */
  freeze?(isFrozen: boolean): void;
}

/** A batch-norm layer of a model that is made of functions. */
export interface WatchableBatchNorm extends BatchNorm {
  /**
   * Whether the layer is trained. A layer that is not must normalise by `mean` and `variance` in train mode too, and
   * must not change them; its statistics are never re-estimated.
   */
  readonly trainable: boolean;
  /**
   * Call it in the losses, in train mode, with the input that the layer normalises over all axes except `axis`
   * (default: the last). It does nothing unless a listener watches the layer.
   */
  report(x: tf.Tensor, axis?: number): void;
}

/**
 * Describes a batch norm that a {@link functionModel} computes itself.
 *
 * @example
 * const norm = watchableBatchNorm({ name: 'norm', mean, variance });
 * functionModel({
 *   variables: { mean, variance, ... }, batchNorms: [norm],
 *   losses: ({ x }, training) => { if (training && norm.trainable) norm.report(x); ... },
 * });
 *
 * @param options.trainable false freezes the layer, see {@link WatchableBatchNorm.trainable}. Default true
 */
export function watchableBatchNorm({
  trainable = true,
  ...options
}: Pick<BatchNorm, 'name' | 'mean' | 'variance'> & Partial<Pick<WatchableBatchNorm, 'trainable'>>): WatchableBatchNorm {
  const listeners = new Set<(statistics: BatchStatistics) => void>();
  let isFrozen = false;
  return {
    ...options,
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

/** Mean and biased variance of each channel of `x`. */
export function batchStatistics(x: tf.Tensor, axis = -1): BatchStatistics {
  // tfjs refuses an axis that x does not have.
  const [channels] = tf.util.parseAxisParam(axis, x.shape);
  const { mean, variance } = tf.moments(
    x,
    x.shape.map((_, each) => each).filter((each) => each !== channels),
  );
  return { mean, variance, count: x.size / mean.size };
}
