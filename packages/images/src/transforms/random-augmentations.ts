import { PADDING } from '@hookline/inference/detections';
import { assertKnownOptions, type OptionNames } from '@hookline/core';
import { AffineTransform, extentTransform, rotationTransform } from './affine-transform.ts';
import { type Augmentation, choose, requireOption, requireRange, uniform } from './augmentation.ts';
import { builtIn, specOf, withSpec } from './augmentation-spec.ts';
import { FlipTransform } from './flip-transform.ts';
import { NO_TRANSFORM } from './transform.ts';

/**
 * Applies an augmentation with a given probability, by default 0.5.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a probability out of range, `HKL_OPTION_UNKNOWN`
 */
export function randomApply(augmentation: Augmentation, options: { readonly probability?: number } = {}): Augmentation {
  assertKnownOptions('randomApply', options, { probability: true } satisfies OptionNames<typeof options>);
  const { probability = 0.5 } = options;
  requireProbability('randomApply', probability);
  const sometimes: Augmentation = {
    name: `randomApply(${augmentation.name})`,
    decide: (input, random) => (random.float() < probability ? augmentation.decide(input, random) : NO_TRANSFORM),
  };
  const inner = specOf(augmentation);
  if (inner === undefined) return sometimes;
  return withSpec(sometimes, { name: 'randomApply', args: [inner, { probability }] });
}

/**
 * Flips the image with a probability (default 0.5) in a direction (default horizontal). For both directions, use it twice.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a value out of range, `HKL_OPTION_UNKNOWN`
 */
export function randomFlip(
  options: { readonly probability?: number; readonly direction?: 'horizontal' | 'vertical' } = {},
): Augmentation {
  assertKnownOptions('randomFlip', options, { probability: true, direction: true } satisfies OptionNames<
    typeof options
  >);
  const { probability = 0.5, direction = 'horizontal' } = options;
  requireProbability('randomFlip', probability);
  const known = ['horizontal', 'vertical'].includes(direction);
  requireOption(known, 'randomFlip', `direction must be horizontal or vertical, not "${direction}"`);
  return builtIn('randomFlip', [options], ({ image }, random) =>
    random.float() < probability ? new FlipTransform(direction, image.width, image.height) : NO_TRANSFORM,
  );
}

/**
 * Rotates counter-clockwise by a random angle.
 *
 * @param options.angles in degrees
 * @param options.sampling `range` takes an angle from the first to the second, `choice` one of the list; default `range`
 * @param options.expand whether to enlarge the image so that all of it stays visible; default true
 * @param options.center without `expand`, range of the centre of rotation in shares of width and height, [[x0, y0], [x1, y1]]; default
 * the image's centre
 * @param options.fill value of pixels beyond the image; default 0
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a range that is not ascending, `HKL_OPTION_UNKNOWN`
 */
export function randomRotation(options: {
  readonly angles: readonly [number, ...number[]];
  readonly sampling?: 'range' | 'choice';
  readonly expand?: boolean;
  readonly center?: readonly [from: readonly [number, number], to: readonly [number, number]];
  readonly fill?: number;
}): Augmentation {
  const known = { angles: true, sampling: true, expand: true, center: true, fill: true } as const;
  assertKnownOptions('randomRotation', options, known satisfies OptionNames<typeof options>);
  const { angles, sampling = 'range', expand = true, center, fill = 0 } = options;
  const [low, high = low] = angles;
  if (sampling === 'range') requireRange('randomRotation', 'angles', [low, high]);
  return builtIn('randomRotation', [options], ({ image: { width, height } }, random) => {
    const angle = sampling === 'range' ? uniform(random, low, high) : choose(random, angles);
    const [[x0, y0], [x1, y1]] = center ?? [
      [0.5, 0.5],
      [0.5, 0.5],
    ];
    const around = [width * uniform(random, x0, x1), height * uniform(random, y0, y1)] as const;
    if (angle % 360 === 0) return NO_TRANSFORM;
    return rotationTransform({ angle, width, height, expand, center: around, fill });
  });
}

/**
 * Crops a rectangle with the image's proportions, which may extend beyond the image.
 *
 * @param options.scale range of its size relative to the image's
 * @param options.shift width of the range of its centre around the image's centre, [x, y] in shares of the image: 0.5 moves it by up to a
 * quarter of the image to either side
 * @param options.fill value of pixels beyond the image; default 0
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a scale that is not an ascending range above 0, `HKL_OPTION_UNKNOWN`
 */
export function randomExtent(options: {
  readonly scale: readonly [number, number];
  readonly shift: readonly [x: number, y: number];
  readonly fill?: number;
}): Augmentation {
  assertKnownOptions('randomExtent', options, { scale: true, shift: true, fill: true } satisfies OptionNames<
    typeof options
  >);
  const {
    scale,
    shift: [shiftX, shiftY],
    fill = 0,
  } = options;
  requireRange('randomExtent', 'scale', scale);
  requireOption(scale[0] > 0, 'randomExtent', 'scale must be above 0');
  return builtIn('randomExtent', [options], ({ image: { width, height } }, random) => {
    const size = uniform(random, ...scale);
    const x = width * (0.5 + shiftX * (random.float() - 0.5));
    const y = height * (0.5 + shiftY * (random.float() - 0.5));
    const [halfWidth, halfHeight] = [(width * size) / 2, (height * size) / 2];
    const [newWidth, newHeight] = [Math.max(1, Math.floor(width * size)), Math.max(1, Math.floor(height * size))];
    const rectangle = [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight] as const;
    return extentTransform(rectangle, { width, height, newWidth, newHeight, fill });
  });
}

/**
 * Scales around the centre by e^u, with u uniform in [-scale, scale], and shifts by up to `shift` of width and height. The size of
 * the image does not change.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a negative scale or shift, `HKL_OPTION_UNKNOWN`
 */
export function randomAffine(
  options: {
    /** @default 0.35 */
    readonly scale?: number;
    /** @default 0.15 */
    readonly shift?: number;
    /** Value of pixels beyond the image. @default 114 */
    readonly fill?: number;
  } = {},
): Augmentation {
  assertKnownOptions('randomAffine', options, { scale: true, shift: true, fill: true } satisfies OptionNames<
    typeof options
  >);
  const { scale = 0.35, shift = 0.15, fill = PADDING } = options;
  requireOption(scale >= 0 && shift >= 0, 'randomAffine', 'scale and shift must be 0 or more');
  return builtIn('randomAffine', [options], ({ image: { width, height } }, random) => {
    const factor = Math.exp(uniform(random, -scale, scale));
    const x = ((1 - factor) * width) / 2 + width * uniform(random, -shift, shift);
    const y = ((1 - factor) * height) / 2 + height * uniform(random, -shift, shift);
    return new AffineTransform({ matrix: [factor, 0, x, 0, factor, y], width, height, fill });
  });
}

function requireProbability(augmentation: string, probability: number): void {
  const holds = probability >= 0 && probability <= 1;
  requireOption(holds, augmentation, `probability must be in [0, 1], not ${probability}`);
}
