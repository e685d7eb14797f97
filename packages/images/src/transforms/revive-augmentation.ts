import { describeCause, HooklineError } from '@hookline/core';
import type { Augmentation } from './augmentation.ts';
import type { AugmentationSpec } from './augmentation-spec.ts';
import { randomBrightness, randomContrast, randomLighting, randomSaturation } from './color-augmentations.ts';
import { fixedSizeCrop, minIoURandomCrop, randomCrop } from './crop-augmentations.ts';
import { randomAffine, randomApply, randomExtent, randomFlip, randomRotation } from './random-augmentations.ts';
import { randomWindow } from './window-augmentation.ts';
import { resize, resizeScale, resizeShortestEdge } from './resize-augmentations.ts';

/** A function that makes an augmentation. Its arguments are those of an earlier call of the same function. */
type Make = (...args: never[]) => unknown;

const BUILT_IN: Readonly<Record<string, Make>> = {
  ...{ resize, resizeScale, resizeShortestEdge },
  ...{ fixedSizeCrop, minIoURandomCrop, randomCrop, randomWindow },
  ...{ randomAffine, randomExtent, randomFlip, randomRotation },
  ...{ randomBrightness, randomContrast, randomLighting, randomSaturation },
  randomApply: async (inner: AugmentationSpec, options: { readonly probability: number }) =>
    randomApply(await reviveAugmentation(inner), options),
};

/**
 * Makes an augmentation from its specification.
 *
 * @throws HooklineError `HKL_AUGMENTATION_MODULE` when its module cannot be imported or makes no augmentation
 */
export async function reviveAugmentation({ module, name, args }: AugmentationSpec): Promise<Augmentation> {
  const make = module === undefined ? BUILT_IN[name] : await importFunction(module, name);
  const made: unknown = await make?.(...(args as never[]));
  if (isAugmentation(made)) return made;
  throw unusable(module, `its function "${name}" does not return an augmentation: { name, decide(input, random) }`);
}

async function importFunction(module: string, name: string): Promise<Make> {
  let exported: unknown;
  try {
    exported = ((await import(module)) as Readonly<Record<string, unknown>>)[name];
  } catch (cause) {
    throw unusable(module, `it cannot be imported: ${describeCause(cause)}`, cause);
  }
  if (typeof exported === 'function') return exported as Make;
  throw unusable(module, `it exports no function "${name}"`);
}

const isAugmentation = (value: unknown): value is Augmentation =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Augmentation>).name === 'string' &&
  typeof (value as Partial<Augmentation>).decide === 'function';

const unusable = (module: string | undefined, what: string, cause?: unknown): HooklineError =>
  new HooklineError('HKL_AUGMENTATION_MODULE', what, {
    who: module,
    fix: 'Give a module that Node can import directly, and the name of a function that it exports',
    cause,
  });
