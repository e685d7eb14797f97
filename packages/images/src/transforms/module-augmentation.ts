import { HooklineError } from '@hookline/core';
import type { Augmentation } from './augmentation.ts';
import { specOf, withSpec } from './augmentation-spec.ts';
import { reviveAugmentation } from './revive-augmentation.ts';

/**
 * Makes a user-defined augmentation that can also run in worker threads, because every thread can import its module:
 *
 *     await moduleAugmentation(new URL('./noise.mjs', import.meta.url), 'noise', 0.3)
 *
 * calls `noise(0.3)` of that module in every thread.
 *
 * @param module URL of a module that Node can import directly: JavaScript, or TypeScript from Node 22.18 on
 * @param name name of an exported function that returns an {@link Augmentation} or a promise of one
 * @param args its arguments; they must be plain data, because they are sent between threads
 * @throws HooklineError `HKL_AUGMENTATION_MODULE` when the module cannot be imported, makes no augmentation, or the arguments
 * cannot be sent
 */
export async function moduleAugmentation(
  module: URL | string,
  name: string,
  ...args: readonly unknown[]
): Promise<Augmentation> {
  if (!URL.canParse(String(module))) {
    throw new HooklineError('HKL_AUGMENTATION_MODULE', 'this is not the URL of a module', {
      who: String(module),
      fix: "Give new URL('./FILE.mjs', import.meta.url)",
    });
  }
  const spec = { module: String(module), name, args };
  const augmentation = withSpec(await reviveAugmentation(spec), spec);
  if (specOf(augmentation) !== undefined) return augmentation;
  throw new HooklineError('HKL_AUGMENTATION_MODULE', `the arguments of "${name}" cannot be copied to a thread`, {
    who: spec.module,
    fix: 'Give numbers, strings, lists and plain objects',
  });
}
