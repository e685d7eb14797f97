import { tf } from '@hookline/tfjs';

/** The p-norm of a tensor's elements, p from 1 up; `'inf'` is their largest magnitude. A scalar. */
export function pNorm(x: tf.Tensor, p: number | 'inf'): tf.Scalar {
  return tf.tidy(() => {
    if (p === 'inf' || p === Infinity) return x.abs().max().asScalar();
    if (p === 2) return x.square().sum().sqrt().asScalar();
    if (p === 1) return x.abs().sum().asScalar();
    return x
      .abs()
      .pow(p)
      .sum()
      .pow(1 / p)
      .asScalar();
  });
}

/** The p-norm of all elements of several tensors, which is the p-norm of their p-norms; 0 for no tensors. A scalar. */
export function globalNorm(tensors: readonly tf.Tensor[], p: number | 'inf'): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(0);
  return tf.tidy(() => pNorm(tf.stack(tensors.map((tensor) => pNorm(tensor, p))), p));
}
