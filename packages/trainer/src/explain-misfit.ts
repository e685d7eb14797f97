import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HooklineError, isHooklineError, PluginError } from '@hookline/core';
import { CONFIG_SHAPE } from './config/config-schema.ts';
import { isSection } from './config/merge-config.ts';

/** The errors for a model that does not fit, by what a checkpoint is loaded for. */
const CODES = {
  inference: ['HKL_STATE_MISMATCH'],
  weights: ['HKL_WEIGHTS_MISMATCH', 'HKL_WEIGHTS_NONE'],
} as const;

/**
 * Waits for a checkpoint to be loaded. If the model does not fit, the error names the config keys that differ from those of the
 * run that saved the checkpoint, as far as the `config.json` beside it tells them.
 *
 * @param scope how much is loaded. To begin from weights, only keys of the model matter
 * @throws HooklineError whatever loading raises, explained where the model does not fit
 */
export async function explainMisfit<T>(
  loading: Promise<T>,
  scope: keyof typeof CODES,
  file: string,
  trainer: { readonly config: object },
): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    const cause = error instanceof PluginError ? error.cause : error;
    const code = CODES[scope].find((each) => isHooklineError(cause, each));
    if (code === undefined) throw error;
    const differing = await differingKeys(file, trainer.config);
    const keys = scope === 'weights' ? differing.filter((key) => key.startsWith('model.')) : differing;
    if (scope === 'weights' && keys.length === 0) throw error;
    const options = keys.map((key) => ` --set ${key}`).join('');
    throw new HooklineError(code, 'the model here differs from the one that was saved', {
      who: file,
      fix: `Give the same --set options as for its training${options && `:${options} (according to the config.json beside it)`}`,
      cause,
    });
  }
}

/** The assignments `key=value` of the config that a checkpoint was trained with, where this config has other values. */
async function differingKeys(file: string, config: object): Promise<readonly string[]> {
  let saved: unknown;
  try {
    saved = JSON.parse(await readFile(join(dirname(file), 'config.json'), 'utf8'));
  } catch {
    // The checkpoint was copied without it, or something else is there.
    return [];
  }
  if (!isSection(saved)) return [];
  // Of the sections that every config has, only `model` shapes the model.
  const shaping = Object.entries(saved).filter(([key]) => key === 'model' || !Object.hasOwn(CONFIG_SHAPE, key));
  return assignments(Object.fromEntries(shaping), config);
}

function assignments(saved: object, config: object, prefix = ''): string[] {
  return Object.entries(saved).flatMap(([key, value]: [string, unknown]) => {
    const path = `${prefix}${key}`;
    const now = (config as Readonly<Record<string, unknown>>)[key];
    if (now === undefined || path === 'model.weights' || isDeepStrictEqual(value, now)) return [];
    if (isSection(value) && isSection(now)) return assignments(value, now, `${path}.`);
    return [`${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
}
