import type Sharp from 'sharp';

let loaded: Promise<typeof Sharp> | undefined;

/**
 * Loads sharp when the first image needs it. Because of its native library, that takes as long as loading the rest of Hookline
 * without TensorFlow.js.
 */
export function loadSharp(): Promise<typeof Sharp> {
  return (loaded ??= import('sharp').then(({ default: sharp }) => sharp));
}
