import tf from '#tfjs';

/**
 * Whether steps would run on tfjs's own JavaScript backend, which tfjs uses when no backend has been chosen. It is
 * hundreds of times slower than the others.
 */
export function usesSlowBackend(): boolean {
  const { backendName } = tf.engine();
  // The name is undefined before the first tensor.
  return !backendName || backendName === 'cpu';
}
