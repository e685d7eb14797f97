import { fileURLToPath } from 'node:url';
import { alternate, median, type BenchmarkArgs, type BenchmarkResult } from '../lib/index.ts';
import { Worker } from '../lib/worker.ts';

/** Steps in a row that make one sample. */
const STEPS = 5;

/**
 * One step of the GAN of examples/gan, which updates discriminator and generator, batch 64: by Hookline, captured and
 * eager, and by `tf.variableGrads` and `applyGradients` of TensorFlow.js alone, on the same native backend.
 *
 * Options: `--rounds 15`.
 */
export default async function gan({ quick, rounds }: BenchmarkArgs): Promise<BenchmarkResult> {
  const file = fileURLToPath(new URL('worker.ts', import.meta.url));
  const kinds = ['captured', 'eager', 'tfjs'] as const;
  const workers = kinds.map((kind) => new Worker(process.execPath, ['--import', 'tsx', file, kind]));
  try {
    const count = quick ? 2 : STEPS;
    const contestants = Object.fromEntries(
      kinds.map((kind, place) => [`step.${kind}`, () => workers[place]?.measure('gan', count)]),
    );
    // Enough steps for the comparisons of a captured step, which are made before its first runs.
    for (const worker of workers) await worker.measure('gan', 6);
    const { figures, samples } = await alternate(contestants, {
      rounds: typeof rounds === 'number' ? rounds : quick ? 3 : 15,
    });
    // Round by round: whatever slowed the machine down met both.
    const times = (theirs: string): string =>
      median(
        (samples[theirs] ?? []).map((value, round) => value / (samples['step.captured']?.[round] ?? Number.NaN)),
      ).toFixed(2);
    return {
      figures,
      notes: [
        `TensorFlow.js takes ${times('step.tfjs')} times what the captured step takes`,
        `the eager step takes ${times('step.eager')} times what the captured step takes`,
      ],
    };
  } finally {
    for (const worker of workers) worker.close();
  }
}
