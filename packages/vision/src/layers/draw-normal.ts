import { tf } from '@hookline/tfjs';

const WORDS = 2 ** 32;

/**
 * Draws normally distributed numbers with mean 0 for the initial weights of large layers. It is faster than `tf.randomNormal`,
 * which takes seconds for the millions of weights of a ResNet. The generator is seeded from `Math.random`, which the run's random
 * stream replaces while a model is built.
 *
 * @param deviation standard deviation
 * @returns float32, of the given shape
 */
export function drawNormal(shape: readonly number[], deviation: number): tf.Tensor {
  const next = smallFastCounter();
  const { sqrt, log, cos, sin, PI } = Math;
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
  // Box-Muller transform: two uniform numbers give two normal ones.
  for (let place = 0; place < values.length; place += 2) {
    const radius = deviation * sqrt(-2 * log((next() + 0.5) / WORDS));
    const angle = (2 * PI * next()) / WORDS;
    values[place] = radius * cos(angle);
    if (place + 1 < values.length) values[place + 1] = radius * sin(angle);
  }
  return tf.tensor(values, [...shape]);
}

/** The generator sfc32 of 32-bit words (Doty-Humphrey, PractRand); its first words are discarded. */
function smallFastCounter(): () => number {
  const word = (): number => Math.floor(Math.random() * WORDS);
  let [a, b, c, counter] = [word(), word(), 0, 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) next();
  return next;
}
