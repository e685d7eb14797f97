import { describeCause, HooklineError, type RandomStream } from '@hookline/core';
import type { Boxes, Image, Pixels } from './image.ts';
import { TransformList, type Transform } from './transform.ts';

/** The sample for which an augmentation chooses a transform. */
export interface AugmentationInput {
  readonly image: Image;
  readonly boxes: Boxes;
}

/** Chooses a random transform for a sample. */
export interface Augmentation {
  /** Name in error messages. */
  readonly name: string;
  /** Chooses a transform. It must take random numbers only from `random`, so that equal streams give equal transforms. */
  decide(input: AugmentationInput, random: RandomStream): Transform;
}

/** A sample after augmentation, with the transform that led to it. */
export interface Augmented<P extends Pixels = Pixels> {
  readonly image: Image<P>;
  readonly boxes: Boxes;
  readonly transform: TransformList;
}

/**
 * Applies augmentations in sequence; the input of each is the output of the one before. The given sample is not changed.
 *
 * @param file the sample's image file, for errors
 * @param onAugmentation called before each augmentation with its index
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
      const moved = transform.applyBoxes(seen.boxes);
      if (moved.length !== boxes.length)
        throw new RangeError(`its transform returned ${moved.length / 4} boxes for ${boxes.length / 4}`);
      seen = { image: transform.applyImage(seen.image), boxes: moved };
      transforms.push(transform);
    } catch (cause) {
      throw failed(augmentation.name, file, cause);
    }
  }
  return { ...seen, transform: new TransformList(transforms) };
}

function failed(name: string, file: string | undefined, cause: unknown): HooklineError {
  const what = `augmentation "${name}" failed: ${describeCause(cause).replace(/\.$/, '')}`;
  return new HooklineError('HKL_AUGMENTATION_FAILED', what, {
    who: file,
    fix: 'The cause below holds the original stack',
    cause,
  });
}

/** Draws a uniform number from `low` to `high`. */
export const uniform = (random: RandomStream, low: number, high: number): number => low + (high - low) * random.float();

/** Draws an element of a list. */
export const choose = <T>(random: RandomStream, list: readonly [T, ...T[]]): T => list[random.int(list.length)] as T;

/** Checks an option of an augmentation. @throws HooklineError `HKL_AUGMENTATION_OPTION` with the `requirement` unless it `holds` */
export function requireOption(holds: boolean, augmentation: string, requirement: string): void {
  if (holds) return;
  throw new HooklineError('HKL_AUGMENTATION_OPTION', requirement, {
    who: augmentation,
    fix: 'Correct the option',
  });
}

/** Checks that a range is finite and ascending. @throws HooklineError `HKL_AUGMENTATION_OPTION` */
export function requireRange(augmentation: string, option: string, [low, high]: readonly [number, number]): void {
  const holds = Number.isFinite(low) && Number.isFinite(high) && low <= high;
  requireOption(holds, augmentation, `${option} must be [least, most], not [${low}, ${high}]`);
}
