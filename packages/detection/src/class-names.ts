import { definePlugin, defineState, HooklineError, type Plugin, readPluginState } from '@hookline/core';
import { modelRef } from '@hookline/tfjs';
import { z } from 'zod';

const NAME = '@hookline/detection/class-names';

const learned = z.object({ classes: z.array(z.string()), orient: z.boolean().nullable() });

/** What a checkpoint says of the data that its detector has learned from. */
export interface Learned {
  /** Names of the classes, in the order in which the detector counts them. */
  readonly classes: readonly string[];
  /**
   * Whether the images were annotated as they are looked at, with their EXIF rotation applied, and not as their pixels are
   * stored; null where the checkpoint does not say.
   */
  readonly orient: boolean | null;
}

const factory = definePlugin({
  name: NAME,
  version: '0.1.0',
  description: 'keeps the names of the classes in checkpoints',
  requires: { model: modelRef },
  options: z.strictObject({
    orient: z.custom<() => boolean | undefined>((value) => typeof value === 'function'),
  }),
  setup({ model }, { orient }) {
    const own = (): readonly string[] => (model.value as { readonly classNames?: readonly string[] }).classNames ?? [];
    return {
      state: defineState({
        version: 2,
        schema: learned,
        // Version 1 was the names alone.
        migrate: (names) => ({ classes: names, orient: null }),
        save: () => ({ classes: [...own()], orient: orient() ?? null }),
        load: ({ classes }) => assertSameClasses(classes, own()),
      }),
    };
  },
});

/**
 * The plugin that keeps in checkpoints what predicting needs to know of the training data: the names of the classes, and
 * whether images were annotated with their EXIF rotation applied. It refuses to go on with, or to evaluate, a checkpoint whose
 * classes are others or in another order: its network would say one and mean another.
 *
 * @param options.orient says whether the training images are turned; undefined while that is not known
 */
export const classNames = (options: { readonly orient: () => boolean | undefined }): Plugin => factory(options);

/**
 * What {@link classNames} has kept in a checkpoint; undefined for one of a trainer without it.
 *
 * @throws HooklineError those of `readPluginState`
 */
export async function learnedOf(checkpoint: string): Promise<Learned | undefined> {
  const data = await readPluginState(checkpoint, NAME);
  if (Array.isArray(data)) return { classes: data as string[], orient: null };
  return learned.safeParse(data).data;
}

/** @throws HooklineError `HKL_DATA_CLASSES` where the classes of a checkpoint are not those of the data */
export function assertSameClasses(saved: readonly string[], own: readonly string[]): void {
  if (saved.join('\n') === own.join('\n')) return;
  throw new HooklineError('HKL_DATA_CLASSES', `it detects ${saved.join(', ')}, and the data have ${own.join(', ')}`, {
    who: 'checkpoint',
    fix: `Give --set data.classes=${saved.join(',')}, or the data that it was trained on`,
  });
}
