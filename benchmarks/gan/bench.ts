import { fileURLToPath } from 'node:url';
import { alternate, median, type BenchmarkArgs, type BenchmarkResult } from '../lib/index.ts';
import { Worker } from '../lib/worker.ts';

/** Number of consecutive steps per sample. */
const STEPS = 5;

/**
 * Times one step of the GAN of examples/gan, which updates discriminator and generator, with batches of 64: in Hookline,
 * captured and eager, and in TensorFlow.js alone (`tf.variableGrads` and `applyGradients`) on the same native backend.
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
    // Run enough steps that a captured step has finished the comparisons before its first runs.
    for (const worker of workers) await worker.measure('gan', 6);
    const { figures, samples } = await alternate(contestants, {
      rounds: typeof rounds === 'number' ? rounds : quick ? 3 : 15,
    });
    // Compare round by round, so that a slowdown of the machine affects both sides.
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
