import { isHooklineError } from '@hookline/core';
import { type DataSource, openData, toDevice } from '@hookline/tfjs';

/**
 * Returns the first batch of the first source that yields one, on the device. The caller disposes of it.
 *
 * @param sources the sources to try, in order; those that a trainer does not implement are skipped
 * @returns undefined if no source is implemented or none yields a batch
 */
export async function exampleBatch(sources: readonly (() => Promise<DataSource>)[]): Promise<unknown> {
  for (const make of sources) {
    let source: DataSource;
    try {
      source = await make();
    } catch (error) {
      if (isHooklineError(error, 'HKL_BUILD_MISSING')) continue;
      throw error;
    }
    const batches = openData(source) ?? [];
    for await (const batch of batches)
      return toDevice(batch, { tensors: Array.isArray(batches) ? 'borrow' : 'consume' }).batch;
  }
  return undefined;
}
