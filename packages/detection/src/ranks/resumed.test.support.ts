import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointsRef, communicator, definePlugin, onFirstRank, readCheckpoint, TrainerBase } from '@hookline/core';
import { ArrayLoader } from '@hookline/data';
import { dataParallel } from '@hookline/plugin-data-parallel';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { RecordingLogger } from '@hookline/testing';
import { functionModel, sgd, tf, tfjsRuntime } from '@hookline/tfjs';

/** In the middle of an accumulation over four steps. */
const SAVED_AFTER = 6;
const STEPS = 12;

/** Digests of everything that runs have saved at their end. */
export interface Resumed {
  /** Digest of a run that saved after six steps and continued. */
  readonly whole: string;
  /** Digest of a run that resumed from what the other one saved. */
  readonly resumed: string;
  /** The weights of a run that did not save in between, and of the first run. */
  readonly weights: readonly [number[], number[]];
}

/** Accumulates gradients, whose sums differ between ranks, saves in between, and resumes from there. */
export async function resumedAccumulation(): Promise<Resumed> {
  const comm = communicator();
  const output = await onFirstRank(comm, () => mkdtemp(join(tmpdir(), 'hookline-accumulation-')));
  const middle = join(output, 'middle.safetensors');
  const run = async (name: string, savesInMiddle: boolean, load?: string) => {
    const saves = definePlugin({
      name: 'saves',
      version: '1.0.0',
      requires: { checkpoints: checkpointsRef },
      setup({ hooks, checkpoints }) {
        hooks.afterStep.tap(async ({ iteration }) => {
          if (savesInMiddle && iteration + 1 === SAVED_AFTER) await checkpoints.save('middle');
        });
        hooks.afterTrain.tap(async () => void (await checkpoints.save(name)));
      },
    });
    const w = tf.variable(tf.tensor2d([0.3, -0.2, 0.5, 0.4], [2, 2]));
    const x = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index * 7));
    const { services, plugins } = tfjsRuntime({
      model: () =>
        functionModel<{ x: tf.Tensor2D }>({
          variables: { w },
          losses: (batch) =>
            batch.x
              .matMul(w as tf.Tensor2D)
              .square()
              .mean() as tf.Scalar,
        }),
      optimizer: (model) => sgd(model, { learningRate: 0.1, momentum: 0.9 }),
      data: new ArrayLoader({ x: { data: x, shape: [32, 2] } }, { batchSize: 4, repeat: true }),
    });
    const trainer = new TrainerBase({
      ...{ maxIterations: STEPS, seed: 3, logger: new RecordingLogger(), output, services },
      plugins: [...plugins, gradientAccumulation({ steps: 4 }), dataParallel(), saves()],
    });
    if (load !== undefined) await trainer.load(load);
    await trainer.train();
    const weights = [...w.dataSync()];
    await trainer.dispose();
    const { tensors } = await readCheckpoint(join(output, `${name}.safetensors`));
    const hash = createHash('sha256');
    for (const [key, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1)))
      hash.update(key).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { digest: hash.digest('hex'), weights };
  };
  const whole = await run('whole', true);
  const resumed = await run('resumed', false, middle);
  const unsaved = await run('unsaved', false);
  // The other rank may still be reading.
  await comm?.barrier();
  await onFirstRank(comm, () => rm(output, { recursive: true }));
  return { whole: whole.digest, resumed: resumed.digest, weights: [unsaved.weights, whole.weights] };
}
