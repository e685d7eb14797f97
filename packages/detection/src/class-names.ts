import { definePlugin, defineState, HooklineError, type Plugin, readPluginState } from '@hookline/core';
import { modelRef } from '@hookline/tfjs';
import { z } from 'zod';

const NAME = '@hookline/detection/class-names';

const learned = z.object({ classes: z.array(z.string()), orient: z.boolean().nullable() });

/** What a checkpoint says about the training data of its detector. */
export interface Learned {
  /** Names of the classes, in the order of the detector's class indices. */
  readonly classes: readonly string[];
  /**
   * Whether the annotations were made on the images with their EXIF rotation applied (true) or on the pixels as stored (false);
   * null when the checkpoint does not say.
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
        // Version 1 stored only the names.
        migrate: (names) => ({ classes: names, orient: null }),
        save: () => ({ classes: [...own()], orient: orient() ?? null }),
        load: ({ classes }) => assertSameClasses(classes, own()),
      }),
    };
  },
});

/**
 * The plugin that stores in checkpoints what a prediction needs to know about the training data: the names of the classes, and
 * whether images were annotated with their EXIF rotation applied. It refuses to resume or evaluate a checkpoint whose classes
 * differ from the data's in name or order, since the outputs of its network would get the wrong names.
 *
 * @param options.orient returns whether the EXIF rotation of training images is applied; undefined while that is not known
 */
export const classNames = (options: { readonly orient: () => boolean | undefined }): Plugin => factory(options);

/**
 * Reads what {@link classNames} stored in a checkpoint; undefined for a checkpoint from a trainer without that plugin.
 *
 * @throws HooklineError as `readPluginState` does
 */
export async function learnedOf(checkpoint: string): Promise<Learned | undefined> {
  const data = await readPluginState(checkpoint, NAME);
  if (Array.isArray(data)) return { classes: data as string[], orient: null };
  return learned.safeParse(data).data;
}

/** Checks that a checkpoint has the classes of the data, in the same order. @throws HooklineError `HKL_DATA_CLASSES` if not */
export function assertSameClasses(saved: readonly string[], own: readonly string[]): void {
  if (saved.join('\n') === own.join('\n')) return;
  throw new HooklineError('HKL_DATA_CLASSES', `it detects ${saved.join(', ')}, and the data have ${own.join(', ')}`, {
    who: 'checkpoint',
    fix: `Give --set data.classes=${saved.join(',')}, or the data that it was trained on`,
  });
}
