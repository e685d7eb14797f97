import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { type Augmentation, choose, requireOption, requireRange, uniform } from './augmentation.ts';
import { builtIn } from './augmentation-spec.ts';
import type { Image } from './image.ts';
import { ResizeTransform } from './resize-transform.ts';
import { NO_TRANSFORM, type Transform } from './transform.ts';

function toSize({ width, height }: Image, newWidth: number, newHeight: number): Transform {
  if (width === newWidth && height === newHeight) return NO_TRANSFORM;
  return new ResizeTransform(width, height, Math.max(1, newWidth), Math.max(1, newHeight));
}

/** Resizes to a fixed size in pixels without keeping the proportions. @throws HooklineError `HKL_OPTION_UNKNOWN` */
export function resize(size: { readonly width: number; readonly height: number }): Augmentation {
  assertKnownOptions('resize', size, { width: true, height: true } satisfies OptionNames<typeof size>);
  return builtIn('resize', [size], ({ image }) => toSize(image, size.width, size.height));
}

/**
 * Resizes the shorter edge to a random length, keeping the proportions. A length of 0 leaves the image unchanged.
 *
 * @param options.lengths in pixels
 * @param options.sampling `choice` takes one of `lengths`, `range` a length from the first to the second; default `choice`
 * @param options.maxSize maximum length of the longer edge in pixels; default no limit
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a range that is not two ascending lengths, `HKL_OPTION_UNKNOWN`
 */
export function resizeShortestEdge(options: {
  readonly lengths: readonly [number, ...number[]];
  readonly sampling?: 'choice' | 'range';
  readonly maxSize?: number;
}): Augmentation {
  assertKnownOptions('resizeShortestEdge', options, {
    lengths: true,
    sampling: true,
    maxSize: true,
  } satisfies OptionNames<typeof options>);
  const { lengths, sampling = 'choice', maxSize = Infinity } = options;
  const name = 'resizeShortestEdge';
  const [low, high = low] = lengths;
  if (sampling === 'range') {
    requireOption(lengths.length === 2, name, `sampling "range" needs two lengths, not ${lengths.length}`);
    requireRange(name, 'lengths', [low, high]);
  }
  return builtIn(name, [options], ({ image }, random) => {
    const length = sampling === 'range' ? low + random.int(high - low + 1) : choose(random, lengths);
    if (length === 0) return NO_TRANSFORM;
    const { width, height } = image;
    const wanted = length / Math.min(width, height);
    const scale = Math.min(wanted, maxSize / Math.max(width, height));
    return toSize(image, Math.floor(width * scale + 0.5), Math.floor(height * scale + 0.5));
  });
}

/**
 * Resizes to fit into `width` x `height` pixels times a random factor from `minScale` to `maxScale`, keeping the proportions.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for scales that are not ascending or not above 0, `HKL_OPTION_UNKNOWN`
 */
export function resizeScale(options: {
  readonly minScale: number;
  readonly maxScale: number;
  readonly width: number;
  readonly height: number;
}): Augmentation {
  assertKnownOptions('resizeScale', options, {
    minScale: true,
    maxScale: true,
    width: true,
    height: true,
  } satisfies OptionNames<typeof options>);
  const { minScale, maxScale, width, height } = options;
  requireRange('resizeScale', 'the scale', [minScale, maxScale]);
  requireOption(minScale > 0, 'resizeScale', 'minScale must be above 0');
  return builtIn('resizeScale', [options], ({ image }, random) => {
    const factor = uniform(random, minScale, maxScale);
    const scale = Math.min((width * factor) / image.width, (height * factor) / image.height);
    return toSize(image, Math.round(image.width * scale), Math.round(image.height * scale));
  });
}
