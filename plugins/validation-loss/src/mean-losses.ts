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
 * Computes the means of a model's losses over batches, in eval mode and without gradients; each batch is weighted by its size. Nothing is left on
 * the device, and the model's mode is restored. With several ranks, the means are over the batches of all ranks.
 *
 * @returns the means by name, and the mean of their sum as `total_loss`
 * @throws HooklineError `HKL_VALIDATION_DATA` if the data have no batch or cannot be iterated, `HKL_VALIDATION_NO_LOSS` if the model returns no losses, and the errors of the model and the data
 */
export async function meanLosses(
  model: TrainableModel,
  loader: DataSource,
  sizeOf: (batch: unknown) => number,
  who: string,
  comm: Communicator = singleProcess,
): Promise<Readonly<Record<string, number>>> {
  const data = typeof loader === 'function' ? loader() : loader;
  // If the data cannot be shared, each rank processes all batches, which gives the same means.
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
  // Each rank has its part of the data; that of the last ones may be empty.
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
    fix: 'Let losses() return at least one loss in eval mode too, or leave the plugin out',
  });
