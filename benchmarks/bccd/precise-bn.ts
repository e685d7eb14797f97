import { BatchSource, disposeBatch, modelRef, tf } from '@hookline/tfjs';
import { updateBnStats, type Results } from 'hookline';
import bccd from '../../examples/detection/bccd.ts';

/** Batches that the statistics are computed over. */
const BATCHES = 30;

/** AP of a finished training, with its batch-norm statistics lost, and with those of PreciseBN. */
export async function restorePreciseBn(output: string, set: readonly string[]) {
  const trainer = bccd.create({ output, set: [...set, 'capture=off', 'precision=float32'] });
  try {
    await trainer.resumeOrLoad();
    const model = await trainer.service(modelRef);
    const before = averagePrecision(await trainer.test());
    for (const { mean, variance } of model.batchNorms?.() ?? []) {
      mean.assign(tf.zerosLike(mean));
      variance.assign(tf.onesLike(variance));
    }
    const reset = averagePrecision(await trainer.test());
    const source = new BatchSource(await trainer.buildTrainLoader(trainer.config));
    await updateBnStats(model, BATCHES, async () => {
      const { device } = await source.next();
      tf.tidy(() => void model.losses(device.batch));
      disposeBatch(device);
    });
    await source.close();
    return { before, reset, after: averagePrecision(await trainer.test()) };
  } finally {
    await trainer.dispose();
  }
}

/** Without a single detection there is no AP: 0 then. */
function averagePrecision(results: Results): number {
  const { AP } = results['bbox'] as Record<'AP', number>;
  return Number.isNaN(AP) ? 0 : AP;
}
