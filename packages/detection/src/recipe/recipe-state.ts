import { isDeepStrictEqual } from 'node:util';
import { definePlugin, defineState, HooklineError, type Plugin, readPluginState } from '@hookline/core';
import { z } from 'zod';
import type { RecipeValues } from './find-recipe.ts';

const NAME = '@hookline/detection/recipe';

const VALUES = z.record(z.string(), z.record(z.string(), z.union([z.number(), z.boolean()])));

const factory = definePlugin({
  name: NAME,
  version: '0.1.0',
  description: 'keeps in checkpoints what was chosen for the data and the budget',
  options: z.strictObject({ values: VALUES }),
  setup(_, { values }) {
    return {
      state: defineState({
        schema: VALUES,
        save: () => values,
        load: (saved) => {
          if (!isDeepStrictEqual(saved, values)) throw differentRecipe();
        },
      }),
    };
  },
});

/** The plugin that stores the recipe in checkpoints, so that a run is resumed and evaluated with the values it started with. */
export const recipeState = (values: RecipeValues): Plugin => factory({ values: values as z.infer<typeof VALUES> });

/** Reads the recipe from a checkpoint; undefined when none was chosen for it. @throws HooklineError as `readPluginState` does */
export async function savedRecipe(file: string): Promise<RecipeValues | undefined> {
  return VALUES.safeParse(await readPluginState(file, NAME)).data;
}

const differentRecipe = (): HooklineError =>
  new HooklineError('HKL_RECIPE', 'it was trained with a different recipe from the one chosen here', {
    who: 'checkpoint',
    fix: 'Load the checkpoint before calling any other method of the trainer, which then adopts its recipe',
  });
