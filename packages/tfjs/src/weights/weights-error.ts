import { HooklineError } from '@hookline/core';
import { layersAmong, someOf } from './some-of.ts';

/** The advice for a file that is damaged. */
export const COPY_AGAIN = 'Copy or download the file again from where it came';

/** Makes an error about a weights file. */
export const weightsError = (
  code: 'HKL_WEIGHTS_FORMAT' | 'HKL_WEIGHTS_DAMAGED' | 'HKL_WEIGHTS_MISMATCH' | 'HKL_WEIGHTS_READER',
  what: string,
  who: string,
  fix: string,
  cause?: unknown,
): HooklineError => new HooklineError(code, what, { who, fix, cause });

/** Makes the error for a checkpoint of which no tensor fits. */
export function nothingLoaded(file: string): HooklineError {
  return new HooklineError('HKL_WEIGHTS_NONE', 'none of its tensors fits the model', {
    who: file,
    fix: 'Load a checkpoint of a model with the same layers',
  });
}

/** Makes the error for a file of another program of which no tensor fits. */
export function nothingFits(
  file: string,
  model: string,
  of: { readonly variables: readonly string[]; readonly names: readonly string[]; readonly misfits: readonly string[] },
): HooklineError {
  const what =
    of.misfits[0] ??
    `it has ${someOf(layersAmong(of.names))}, the model "${model}" has ${someOf(layersAmong(of.variables))}`;
  return new HooklineError('HKL_WEIGHTS_NONE', `none of its tensors fits the model: ${what}`, {
    who: file,
    fix: 'Load weights of a model with the same layers. Where they are the same by other names, say so: functionModel({ weightTable })',
  });
}
