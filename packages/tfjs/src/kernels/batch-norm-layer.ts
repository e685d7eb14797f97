import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { NATIVE_BACKEND } from '../device/native-backend.ts';
import { syncsBatchNorm } from '../ranks/step-ranks.ts';
import { batchNormTraining } from './batch-norm-training.ts';

type Weight = { read(): tf.Tensor; write(value: tf.Tensor): unknown };

/** The parts of tf.layers' BatchNormalization that its training pass uses. */
interface BatchNormLayer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight | null;
  readonly beta?: Weight | null;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
  call(inputs: tf.Tensor | tf.Tensor[], kwargs: { readonly training?: boolean }): tf.Tensor | tf.Tensor[];
}

/**
 * Makes tf.layers' BatchNormalization use `batchNormTraining` in train mode on native TensorFlow when it normalises the
 * last axis. The moving variance is updated with the biased variance, as in tf.layers.
 */
export function registerBatchNormLayer(): void {
  const { prototype } = tf.layers.batchNormalization().constructor as unknown as { prototype: BatchNormLayer };
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the layer as its `this` below
  const original = prototype.call;
  prototype.call = function call(this: BatchNormLayer, inputs, kwargs) {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    const isLastAxis = this.axis === -1 || this.axis === (x?.rank ?? 0) - 1;
    const isTraining = kwargs.training === true && x?.dtype === 'float32';
    const isSynced = isTraining && syncsBatchNorm();
    if (isSynced && !isLastAxis) throw otherAxis(this.axis);
    const isOwn = isTraining && isLastAxis && (isSynced || tf.getBackend() === NATIVE_BACKEND);
    if (!isOwn) return original.call(this, inputs, kwargs);
    return tf.tidy(() => {
      const [gamma, beta] = [this.gamma?.read(), this.beta?.read()] as (tf.Tensor1D | undefined)[];
      const { output, mean, variance } = batchNormTraining(x, gamma, beta, this.epsilon);
      move(this.movingMean, mean, this.momentum);
      move(this.movingVariance, variance, this.momentum);
      return output;
    });
  };
}

const otherAxis = (axis: number): HooklineError =>
  new HooklineError('HKL_RANKS_BATCH_NORM', `a batch norm over axis ${axis} cannot be shared by several ranks`, {
    who: 'syncBatchNorm',
    fix: 'Let it normalise the last axis, or set syncBatchNorm: false',
  });

function move(average: Weight, value: tf.Tensor, momentum: number): void {
  const old = average.read();
  average.write(old.sub(old.sub(value).mul(1 - momentum)));
}
