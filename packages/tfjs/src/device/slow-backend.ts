import tf from '#tfjs';

/**
 * Whether steps would run on tfjs's own JavaScript backend, which is what it takes where nobody has chosen one. It is hundreds
 * of times slower than the others.
 */
export function usesSlowBackend(): boolean {
  const { backendName } = tf.engine();
  // Undefined before the first tensor.
  return !backendName || backendName === 'cpu';
}
