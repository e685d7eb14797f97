import type { Augmentation } from './augmentation.ts';

/** The call by which another thread makes the same augmentation: a function and its arguments, as plain data. */
export interface AugmentationSpec {
  /** URL of the module that exports the function; undefined for the augmentations of this package. */
  readonly module?: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Specifications by augmentation. They are not stored in a field, so that a copy with another `decide` does not inherit one. */
const SPECS = new WeakMap<Augmentation, AugmentationSpec>();

/** Records how an augmentation was made, if its arguments can be sent to another thread. */
export function withSpec(augmentation: Augmentation, spec: AugmentationSpec): Augmentation {
  const { name } = augmentation;
  const fixed = Object.freeze<Augmentation>({ name, decide: (input, random) => augmentation.decide(input, random) });
  try {
    SPECS.set(fixed, structuredClone(spec));
  } catch {
    // The arguments cannot be cloned, as with functions: the augmentation stays in its thread.
  }
  return fixed;
}

/** Makes an augmentation of this package, and records the function's name and arguments. */
export const builtIn = (name: string, args: readonly unknown[], decide: Augmentation['decide']): Augmentation =>
  withSpec({ name, decide }, { name, args });

/** The call that made an augmentation; undefined for one that cannot be sent to another thread. */
export const specOf = (augmentation: Augmentation): AugmentationSpec | undefined => SPECS.get(augmentation);

/**
 * Whether an augmentation is made only by functions of this package. These are known to terminate, which a user's module may
 * not.
 */
export function isBuiltIn({ module, args }: AugmentationSpec): boolean {
  // The arguments of an augmentation that wraps another one contain the other's specification.
  return module === undefined && args.every((each) => !isSpec(each) || isBuiltIn(each));
}

const isSpec = (value: unknown): value is AugmentationSpec =>
  typeof value === 'object' && value !== null && Array.isArray((value as Partial<AugmentationSpec>).args);
