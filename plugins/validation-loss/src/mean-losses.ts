import {
  type Communicator,
  gatherFromRanks,
  HooklineError,
  shareData,
  singleProcess,
  TOTAL_LOSS,
} from '@hookline/core';
import { type DataSource, disposeBatch, inEvalMode, openData, tf, toDevice, type TrainableModel } from '@hookline/tfjs';

/**
 * Means of a model's losses over batches, in eval mode and without gradients; each batch counts by its size. Nothing is left on
 * the device, and the mode is put back. Of several ranks all batches of all of them count.
 *
 * @returns the means by name, and as `total_loss` that of their sum
 * @throws HooklineError `HKL_VALIDATION_DATA`, `HKL_VALIDATION_NO_LOSS`, and what the model and the data raise
 */
export async function meanLosses(
  model: TrainableModel,
  loader: DataSource,
  sizeOf: (batch: unknown) => number,
  who: string,
  comm: Communicator = singleProcess,
): Promise<Readonly<Record<string, number>>> {
  const data = typeof loader === 'function' ? loader() : loader;
  // Where they cannot be shared, each rank takes all of them, with the same means.
  shareData(data, comm, 'batches');
  const batches = openData(data);
  if (batches === undefined) throw noData(who, 'cannot be iterated');
  const sums = new Map<string, number>();
  let samples = 0;
  await inEvalMode(model, async () => {
    for await (const batch of batches) {
      const device = toDevice(batch, { tensors: Array.isArray(batches) ? 'borrow' : 'consume' });
      let losses: Readonly<Record<string, tf.Tensor>> = {};
      try {
        const size = sizeOf(device.batch);
        losses = tf.tidy(() => byName(model.losses(device.batch), who));
        for (const [name, loss] of Object.entries(losses)) {
          const [value = Number.NaN] = await loss.data();
          sums.set(name, (sums.get(name) ?? 0) + value * size);
        }
        samples += size;
      } finally {
        tf.dispose(losses);
        disposeBatch(device);
      }
    }
  });
  // Each rank has its part of the data; the last ones may have none.
  const ranks = await gatherFromRanks(comm, { samples, sums: Object.fromEntries(sums) }, 'the losses on held-out data');
  const count = ranks.reduce((total, rank) => total + rank.samples, 0);
  if (count === 0) throw noData(who, 'holds no batch');
  const names = new Set(ranks.flatMap((rank) => Object.keys(rank.sums)));
  const total = (name: string): number => ranks.reduce((sum, rank) => sum + (rank.sums[name] ?? 0), 0);
  return Object.fromEntries([...names].map((name) => [name, total(name) / count]));
}

function byName(losses: tf.Tensor | Readonly<Record<string, tf.Tensor>>, who: string): Record<string, tf.Tensor> {
  if (losses instanceof tf.Tensor) return { [TOTAL_LOSS]: losses };
  const values = Object.values(losses);
  if (values.length === 0) throw noLoss(who);
  return { ...losses, ...(TOTAL_LOSS in losses ? {} : { [TOTAL_LOSS]: tf.addN(values) }) };
}

const noData = (who: string, why: string): HooklineError =>
  new HooklineError('HKL_VALIDATION_DATA', `the held-out data ${why}`, {
    who,
    fix: 'Give an array of batches, an iterable, or a function that returns one and can be called again',
  });

const noLoss = (who: string): HooklineError =>
  new HooklineError('HKL_VALIDATION_NO_LOSS', 'the model gives no losses in eval mode', {
    who,
    fix: 'Have losses() return at least one loss whatever the mode is, or leave the plugin out',
  });
