import { type DataSource, openData } from './open-data.ts';
import { disposeBatch, toDevice } from './device-batch.ts';

/**
 * Calls `fn` with each batch of a source on the device, until it returns `false`. Each batch is freed after its call.
 */
export async function eachBatch(source: DataSource, fn: (batch: unknown) => Promise<boolean | void>): Promise<void> {
  const batches = openData(source) ?? [];
  for await (const batch of batches) {
    const device = toDevice(batch, { tensors: Array.isArray(batches) ? 'borrow' : 'consume' });
    try {
      if ((await fn(device.batch)) === false) return;
    } finally {
      disposeBatch(device);
    }
  }
}
