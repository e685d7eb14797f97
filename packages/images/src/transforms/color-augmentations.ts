import { type Augmentation, requireOption, requireRange, uniform } from './augmentation.ts';
import { builtIn } from './augmentation-spec.ts';
import { BlendTransform, ShiftColorTransform, type BlendSource } from './color-transform.ts';

function blend(name: string, source: BlendSource, low: number, high: number): Augmentation {
  requireRange(name, 'the weight', [low, high]);
  return builtIn(name, [low, high], (_, random) => new BlendTransform(source, uniform(random, low, high)));
}

/**
 * Changes contrast by a random factor from `low` to `high`: a factor above 1 moves pixels away from the image's mean, one below 1
 * towards it.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` unless `low` <= `high`
 */
export const randomContrast = (low: number, high: number): Augmentation => blend('randomContrast', 'mean', low, high);

/** Multiplies the pixels by a random factor from `low` to `high`. @throws HooklineError `HKL_AUGMENTATION_OPTION` unless `low` <= `high` */
export const randomBrightness = (low: number, high: number): Augmentation =>
  blend('randomBrightness', 'black', low, high);

/**
 * Changes saturation by a random factor from `low` to `high`: a factor above 1 gives stronger colours, one below 1 moves them towards
 * grey.
 *
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` unless `low` <= `high`
 */
export const randomSaturation = (low: number, high: number): Augmentation =>
  blend('randomSaturation', 'grey', low, high);

/** Eigenvectors (as columns) and eigenvalues of ImageNet's colours, for pixels from 0 to 1. */
const VECTORS = [
  [-0.5675, 0.7192, 0.4009],
  [-0.5808, -0.0045, -0.814],
  [-0.5836, -0.6948, 0.4203],
] as const;
const VALUES = [0.2175, 0.0188, 0.0045] as const;

/**
 * Adds noise along the principal components of colour (Krizhevsky, Sutskever, Hinton 2012, section 4.1).
 *
 * @param scale standard deviation in units of the eigenvalues, 0.1 in the paper; the noise is scaled to pixels from 0 to 255
 * @throws HooklineError `HKL_AUGMENTATION_OPTION` for a negative scale; `HKL_IMAGE_SHAPE`, when applied, for an image without three
 * channels
 */
export function randomLighting(scale: number): Augmentation {
  requireOption(scale >= 0, 'randomLighting', `scale must be 0 or more, not ${scale}`);
  return builtIn('randomLighting', [scale], (_, random) => {
    const amounts = VALUES.map((value) => value * random.normal() * scale * 255);
    const shift = VECTORS.map((row) => row.reduce((sum, share, axis) => sum + share * (amounts[axis] as number), 0));
    return new ShiftColorTransform(shift);
  });
}
