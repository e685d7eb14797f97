import { join } from 'node:path';
import { callback, ConsoleLogger, tf } from 'hookline';
import { type Campaign, countOption } from '../lib/campaign.ts';
import { campaignTrainer } from '../lib/trainer.ts';

/** Accepted growth of resident memory after the first quarter, in bytes. Allocators round up, and histories are kept. */
const ALLOWED_GROWTH = 48 * 2 ** 20;

/**
 * Trains for many steps, captured and eager, with evaluations and checkpoints, and watches memory. After the first quarter,
 * the number of tensors must not grow, nor the memory of the process by more than {@link ALLOWED_GROWTH}.
 *
 * Option: `--count`, the number of steps of each kind (default 20,000; 320 with `--quick`).
 */
const soak: Campaign = async (args, tally, folder) => {
  const count = countOption(args, 'count', args.quick ? 320 : 20_000);
  const period = Math.ceil(count / (args.quick ? 16 : 40));
  for (const capture of ['auto', 'off']) {
    const samples: { readonly tensors: number; readonly bytes: number }[] = [];
    const set = [
      `capture=${capture}`,
      `solver.maxIterations=${count}`,
      'model.width=64',
      `test.evalPeriod=${period}`,
      `checkpoint.period=${period}`,
      'writers.metricsPeriod=20',
    ];
    const probe = callback({
      afterStep: ({ iteration }) => {
        if ((iteration + 1) % period !== 0) return;
        samples.push({ tensors: tf.memory().numTensors, bytes: process.memoryUsage.rss() });
      },
    });
    const logger = new ConsoleLogger({ level: 'warn' });
    const trainer = campaignTrainer([probe]).create({ set, output: join(folder, capture), logger });
    const { status, iteration } = await trainer.train();
    tally.count(`steps with capture ${capture}`, iteration);
    if (status !== 'completed') tally.fail(`the training with capture ${capture} ended ${status}`);
    const early = samples[Math.floor(samples.length / 4)];
    const late = samples.at(-1);
    if (early === undefined || late === undefined) throw new Error('nothing was sampled');
    const growth = late.bytes - early.bytes;
    tally.count(`MiB grown with capture ${capture}`, Math.round(growth / 2 ** 20));
    if (late.tensors > early.tensors) tally.fail(`capture ${capture}: ${early.tensors} tensors became ${late.tensors}`);
    if (growth > ALLOWED_GROWTH) tally.fail(`capture ${capture}: the process grew by ${growth} bytes`);
  }
};
export default soak;
