import { tf } from '@hookline/tfjs';

/** Whether no element of any of the tensors is NaN or infinite; true for no tensors. A scalar of dtype bool. */
export function allFinite(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(true, 'bool');
  return tf.tidy(() =>
    tf
      .stack(tensors.map((tensor) => tf.all(tf.isFinite(tensor)).asScalar()))
      .all()
      .asScalar(),
  );
}
