import { BatchSource, disposeBatch, modelRef, tf } from '@hookline/tfjs';
import { updateBnStats, type Results } from 'hookline';
import bccd from '../../examples/detection/bccd.ts';

/** Number of batches over which the statistics are computed. */
const BATCHES = 30;

/** AP of a finished training: as it is, with its batch-norm statistics reset, and with statistics recomputed by PreciseBN. */
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

/** The AP, or 0 if the model detects nothing and the AP is therefore undefined. */
function averagePrecision(results: Results): number {
  const { AP } = results['bbox'] as Record<'AP', number>;
  return Number.isNaN(AP) ? 0 : AP;
}
