import { tf } from '@hookline/tfjs';

/** One boolean: whether no element of any of the tensors is NaN or infinite. */
export function allFinite(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() =>
    tf
      .stack(tensors.map((tensor) => tf.all(tf.isFinite(tensor)).asScalar()))
      .all()
      .asScalar(),
  );
}
