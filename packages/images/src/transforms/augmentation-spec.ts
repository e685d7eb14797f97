import type { Augmentation } from './augmentation.ts';

/** How another thread makes the same augmentation: by calling a function with the same arguments. Plain data. */
export interface AugmentationSpec {
  /** URL of the module that exports the function; undefined for the augmentations of this package. */
  readonly module?: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** By object, not as a field: a copy with a `decide` of its own must not be taken for the original. */
const SPECS = new WeakMap<Augmentation, AugmentationSpec>();

/** The augmentation, with how it was made, where that can be told to another thread. */
export function withSpec(augmentation: Augmentation, spec: AugmentationSpec): Augmentation {
  const { name } = augmentation;
  const fixed = Object.freeze<Augmentation>({ name, decide: (input, random) => augmentation.decide(input, random) });
  try {
    SPECS.set(fixed, structuredClone(spec));
  } catch {
    // Arguments that cannot be copied, such as functions: the augmentation stays in the thread that made it.
  }
  return fixed;
}

/** An augmentation of this package, by the name of the function that makes it and its arguments. */
export const builtIn = (name: string, args: readonly unknown[], decide: Augmentation['decide']): Augmentation =>
  withSpec({ name, decide }, { name, args });

/** How an augmentation was made; undefined for one that only the thread that made it has. */
export const specOf = (augmentation: Augmentation): AugmentationSpec | undefined => SPECS.get(augmentation);

/**
 * Whether it is made by functions of this package alone, so that it is known to come to an end; what a module of the
 * user's own does is not.
 */
export function isBuiltIn({ module, args }: AugmentationSpec): boolean {
  // An augmentation that wraps another one has its description among the arguments.
  return module === undefined && args.every((each) => !isSpec(each) || isBuiltIn(each));
}

const isSpec = (value: unknown): value is AugmentationSpec =>
  typeof value === 'object' && value !== null && Array.isArray((value as Partial<AugmentationSpec>).args);
