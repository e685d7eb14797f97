import { HooklineError } from '@hookline/core';
import { emaRef } from '@hookline/plugin-ema';
import type { RunnableTrainer } from './trainer-in-file.ts';

/**
 * Runs a function while the model has the averaged weights of the plugin `ema`.
 *
 * @throws HooklineError `HKL_EXPORT_OPTION` if the trainer has no such plugin
 */
export async function withAverages<T>(trainer: RunnableTrainer, file: string, fn: () => Promise<T>): Promise<T> {
  let ema;
  try {
    ema = await trainer.service(emaRef);
  } catch (cause) {
    throw noAverages(file, cause);
  }
  if (ema.averages.size === 0) throw noAverages(file);
  return ema.withAverages(fn);
}

const noAverages = (file: string, cause?: unknown): HooklineError =>
  new HooklineError('HKL_EXPORT_OPTION', 'its training keeps no averaged weights', {
    who: file,
    where: '--ema',
    fix: 'Leave --ema out, or train with the plugin ema (--set solver.emaDecay=0.999)',
    cause,
  });
