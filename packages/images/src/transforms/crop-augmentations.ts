import { assertKnownOptions, type OptionNames, type RandomStream } from '@hookline/core';
import { type Augmentation, choose, requireOption, uniform } from './augmentation.ts';
import { builtIn } from './augmentation-spec.ts';
import type { Boxes, Image } from './image.ts';
import { NO_TRANSFORM } from './transform.ts';
import { cropTransform, WindowTransform } from './window-transform.ts';

/** How {@link randomCrop} interprets `size`. */
export type CropType = 'relative' | 'relative_range' | 'absolute' | 'absolute_range';

/**
 * Crops a random part of the image.
 *
 * @param options.size for `relative`, the shares [height, width] of the image; for `relative_range`, the minimum shares of
 * [height, width], up to 1; for `absolute`, [height, width] in pixels, at most the image's; for `absolute_range`, [minimum,
 * maximum] pixels of either side
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a size that does not fit the type, `HKL_OPTION_UNKNOWN`
 */
export function randomCrop(options: {
  readonly type: CropType;
  readonly size: readonly [number, number];
}): Augmentation {
  assertKnownOptions('randomCrop', options, { type: true, size: true } satisfies OptionNames<typeof options>);
  const {
    type,
    size: [first, second],
  } = options;
  const [relative, isRange] = [type.startsWith('relative'), type.endsWith('range')];
  const sound = relative
    ? first > 0 && first <= 1 && second > 0 && second <= 1
    : Number.isInteger(first) && Number.isInteger(second) && first > 0 && second > 0 && (!isRange || first <= second);
  requireOption(sound, 'randomCrop', `size [${first}, ${second}] does not fit type "${type}"`);
  const lengths = ({ width, height }: Image, random: RandomStream): [height: number, width: number] => {
    switch (type) {
      case 'relative':
        return [Math.floor(height * first + 0.5), Math.floor(width * second + 0.5)];
      case 'relative_range':
        return [
          Math.floor(height * uniform(random, first, 1) + 0.5),
          Math.floor(width * uniform(random, second, 1) + 0.5),
        ];
      case 'absolute':
        return [Math.min(first, height), Math.min(second, width)];
      case 'absolute_range':
        return [
          integer(random, Math.min(first, height), Math.min(second, height)),
          integer(random, Math.min(first, width), Math.min(second, width)),
        ];
    }
  };
  return builtIn('randomCrop', [options], ({ image }, random) => {
    const [height, width] = lengths(image, random).map((length) => Math.max(1, length)) as [number, number];
    const x = integer(random, 0, image.width - width);
    const y = integer(random, 0, image.height - height);
    return cropTransform({ x, y, width, height }, image.width, image.height);
  });
}

/**
 * Crops or pads to exactly this size in pixels: crops at a random place, pads at the right and bottom.
 *
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export function fixedSizeCrop(options: {
  readonly width: number;
  readonly height: number;
  /** Value of padding pixels. @default 128 */
  readonly fill?: number;
}): Augmentation {
  assertKnownOptions('fixedSizeCrop', options, { width: true, height: true, fill: true } satisfies OptionNames<
    typeof options
  >);
  const { width, height, fill = 128 } = options;
  return builtIn('fixedSizeCrop', [options], ({ image }, random) => {
    const x = integer(random, 0, Math.max(0, image.width - width));
    const y = integer(random, 0, Math.max(0, image.height - height));
    return new WindowTransform({ x, y, width, height }, image.width, image.height, fill);
  });
}

/**
 * Crops a part whose IoU with every box is at least a value chosen at random from `minIoU`, and which contains the centre of a
 * box (SSD's crop). The values 1, which keeps the whole image, and 0 are always among the choices. Boxes with centres outside
 * are left to the loader's `minVisible`.
 *
 * @param options.minIoU minimum IoUs to choose from; default [0.1, 0.3, 0.5, 0.7, 0.9]
 * @param options.minSize minimum share of width and height; default 0.3
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for values out of range, `HKL_OPTION_UNKNOWN`
 */
export function minIoURandomCrop(
  options: { readonly minIoU?: readonly number[]; readonly minSize?: number } = {},
): Augmentation {
  assertKnownOptions('minIoURandomCrop', options, { minIoU: true, minSize: true } satisfies OptionNames<
    typeof options
  >);
  const { minIoU = [0.1, 0.3, 0.5, 0.7, 0.9], minSize = 0.3 } = options;
  requireOption(minSize > 0 && minSize <= 1, 'minIoURandomCrop', `minSize must be in (0, 1], not ${minSize}`);
  const modes = [1, ...minIoU, 0] as const;
  const wrong = minIoU.find((least) => !(least >= 0 && least <= 1));
  requireOption(wrong === undefined, 'minIoURandomCrop', `minIoU must be in [0, 1], not ${wrong ?? ''}`);
  return builtIn('minIoURandomCrop', [options], ({ image, boxes }, random) => {
    // The number of attempts is limited, because for some boxes no crop qualifies.
    for (let round = 0; round < 50; round++) {
      const mode = choose(random, modes);
      if (mode === 1) break;
      for (let attempt = 0; attempt < 50; attempt++) {
        const width = Math.floor(uniform(random, minSize * image.width, image.width));
        const height = Math.floor(uniform(random, minSize * image.height, image.height));
        if (width < 1 || height < 1 || height / width < 0.5 || height / width > 2) continue;
        const x = integer(random, 0, image.width - width);
        const y = integer(random, 0, image.height - height);
        const window = { x, y, width, height };
        if (fits([x, y, x + width, y + height], boxes, mode)) return cropTransform(window, image.width, image.height);
      }
    }
    return NO_TRANSFORM;
  });
}

type Rectangle = readonly [x0: number, y0: number, x1: number, y1: number];

function fits([x0, y0, x1, y1]: Rectangle, boxes: Boxes, least: number): boolean {
  if (boxes.length === 0) return true;
  let holdsCenter = false;
  for (let at = 0; at < boxes.length; at += 4) {
    const [bx0 = 0, by0 = 0, bx1 = 0, by1 = 0] = boxes.subarray(at, at + 4);
    const shared =
      Math.max(0, Math.min(x1, bx1) - Math.max(x0, bx0)) * Math.max(0, Math.min(y1, by1) - Math.max(y0, by0));
    const union = (x1 - x0) * (y1 - y0) + (bx1 - bx0) * (by1 - by0) - shared;
    if (shared / union < least) return false;
    const [cx, cy] = [(bx0 + bx1) / 2, (by0 + by1) / 2];
    if (cx > x0 && cx < x1 && cy > y0 && cy < y1) holdsCenter = true;
  }
  return holdsCenter;
}

/** Draws an integer from `low` to `high`, both included. */
const integer = (random: RandomStream, low: number, high: number): number => low + random.int(high - low + 1);
