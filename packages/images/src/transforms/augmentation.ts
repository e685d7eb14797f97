import { describeCause, type RandomStream } from '@hookline/core';
import { PortableError } from '@hookline/data';
import type { Boxes, Image, Pixels } from './image.ts';
import { TransformList, type Transform } from './transform.ts';

/** The sample from which an augmentation decides. */
export interface AugmentationInput {
  readonly image: Image;
  readonly boxes: Boxes;
}

/** Decides on a transform of a sample, by drawing random numbers. */
export interface Augmentation {
  /** For error messages. */
  readonly name: string;
  /** Draws from `random` only, so that equal streams give equal transforms. */
  decide(input: AugmentationInput, random: RandomStream): Transform;
}

/** A sample after augmentation, with the transform that led to it. */
export interface Augmented<P extends Pixels = Pixels> {
  readonly image: Image<P>;
  readonly boxes: Boxes;
  readonly transform: TransformList;
}

/**
 * Applies augmentations in turn; each sees what the ones before it made. The argument is left alone.
 *
 * @param file where the sample comes from, for errors
 * @param onAugmentation is told before each, by its place in the list
 * @throws HooklineError `HKL_AUGMENTATION_FAILED` with the name of the augmentation and the file
 */
export function augment<P extends Pixels>(
  augmentations: readonly Augmentation[],
  { image, boxes }: { readonly image: Image<P>; readonly boxes: Boxes },
  random: RandomStream,
  file?: string,
  onAugmentation?: (index: number) => void,
): Augmented<P> {
  const transforms: Transform[] = [];
  let seen = { image, boxes: boxes.slice() };
  for (const [index, augmentation] of augmentations.entries()) {
    onAugmentation?.(index);
    try {
      const transform = augmentation.decide(seen, random);
      seen = { image: transform.applyImage(seen.image), boxes: transform.applyBoxes(seen.boxes) };
      transforms.push(transform);
    } catch (cause) {
      throw failed(augmentation.name, file, cause);
    }
  }
  return { ...seen, transform: new TransformList(transforms) };
}

function failed(name: string, file: string | undefined, cause: unknown): PortableError {
  const what = `augmentation "${name}" failed: ${describeCause(cause).replace(/\.$/, '')}`;
  return new PortableError('HKL_AUGMENTATION_FAILED', what, {
    who: file,
    fix: 'The cause below holds the original stack',
    cause,
  });
}

/** The next number between two bounds. */
export const uniform = (random: RandomStream, low: number, high: number): number => low + (high - low) * random.float();

/** The next element of a list. */
export const choose = <T>(random: RandomStream, list: readonly [T, ...T[]]): T =>
  list[random.int(list.length)] ?? list[0];
