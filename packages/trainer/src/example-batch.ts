import { isHooklineError } from '@hookline/core';
import { type DataSource, openData, toDevice } from '@hookline/tfjs';

/**
 * The first batch that any of several sources gives, on the device. The caller frees it.
 *
 * @param sources of which those that a trainer has not written are left out
 * @returns undefined where none is written or none gives a batch
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
