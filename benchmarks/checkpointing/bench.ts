import { join } from 'node:path';
import {
  callback,
  checkpointer,
  ConsoleLogger,
  functionModel,
  selectDevice,
  sgd,
  tf,
  tfjsRuntime,
  TrainerBase,
} from 'hookline';
import {
  alternate,
  type BenchmarkArgs,
  type BenchmarkResult,
  figure,
  type Figure,
  figureOfPairs,
  median,
} from '../lib/index.ts';

const PERIOD = 50;
/** One layer trained with momentum has a state of 2 x 5000 x 5000 float32 numbers, which are 200 MB. */
const [WIDTH, BATCH] = [5000, 16];
/** A measured window starts and ends halfway between two checkpoints. */
const BEGIN = PERIOD / 2;
const LABELS = ['none', 'async', 'sync'] as const;
type Label = (typeof LABELS)[number];

/** A training that runs one window of steps at a time. */
class Contestant {
  readonly #trainer: TrainerBase;
  #ends: number[] = [];
  #end = BEGIN;

  constructor(label: Label, output: string) {
    const runtime = tfjsRuntime({
      model,
      optimizer: (net) => sgd(net, { learningRate: 1e-3, momentum: 0.9 }),
      data: [batch()],
      repeat: true,
    });
    const saving = checkpointer({ period: PERIOD, maxToKeep: 1, final: false, async: label === 'async' });
    this.#trainer = new TrainerBase({
      maxIterations: this.#end,
      seed: 1,
      output: join(output, label),
      logger: new ConsoleLogger({ level: 'silent' }),
      services: runtime.services,
      plugins: [
        ...runtime.plugins,
        ...(label === 'none' ? [] : [saving]),
        callback({ afterStep: () => void this.#ends.push(performance.now()) }),
      ],
    });
  }

  /** Runs one window of steps. Resolves to the milliseconds from the end of each step to the end of the next. */
  async window(steps: number): Promise<readonly number[]> {
    this.#ends = [];
    this.#end += steps;
    await this.#trainer.train({ maxIterations: this.#end });
    return this.#ends.slice(1).map((end, step) => end - (this.#ends[step] ?? end));
  }

  async warmUp(): Promise<void> {
    await this.#trainer.train();
  }

  async dispose(): Promise<void> {
    await this.#trainer.dispose();
  }
}

/**
 * Measures what writing a checkpoint of 200 MB every 50 steps adds to a step. Three trainings run in turn: without checkpoints, with
 * checkpoints written in the background (`async`), and with checkpoints that the steps wait for (`sync`).
 *
 * `step.LABEL` is the median of a window's steps, `mean.LABEL` their mean, which includes the waits, and `longest.LABEL` the longest of
 * them. `added.LABEL` and `added_mean.LABEL` are the increase over no checkpoints in percent, window by window. Option: `--rounds 5`.
 */
export default async function checkpointing(
  { quick, ...args }: BenchmarkArgs,
  folder: string,
): Promise<BenchmarkResult> {
  await selectDevice('auto');
  const contestants = LABELS.map((label) => [label, new Contestant(label, folder)] as const);
  const windows = Object.fromEntries(LABELS.map((label) => [label, []])) as unknown as Record<
    Label,
    (readonly number[])[]
  >;
  try {
    for (const [, contestant] of contestants) await contestant.warmUp();
    const measured = contestants.map(([label, contestant]) => {
      const measure = async (): Promise<number> => {
        const steps = await contestant.window(PERIOD);
        windows[label].push(steps);
        return median(steps);
      };
      return [`step.${label}`, measure] as const;
    });
    const { figures } = await alternate(Object.fromEntries(measured), {
      rounds: quick ? 1 : Number(args['rounds'] ?? 5),
      warmup: 0,
    });
    const of = (label: Label, sum: (steps: readonly number[]) => number): readonly number[] => windows[label].map(sum);
    const more: Record<string, Figure> = {};
    for (const label of LABELS) {
      more[`mean.${label}`] = figure(of(label, mean), 'ms');
      more[`longest.${label}`] = figure(of(label, longest), 'ms');
    }
    for (const label of ['async', 'sync'] as const) {
      const percent = (ours: number, without: number): number => (ours / without - 1) * 100;
      more[`added.${label}`] = figureOfPairs(of(label, median), of('none', median), percent, '%');
      more[`added_mean.${label}`] = figureOfPairs(of(label, mean), of('none', mean), percent, '%');
    }
    return {
      figures: { ...figures, ...more },
      notes: [
        `${tf.getBackend()}; one layer of ${WIDTH} x ${WIDTH} with momentum, batch ${BATCH}; a checkpoint of 200 MB every ${PERIOD} steps`,
        'goal: added.async at most 5 %',
      ],
    };
  } finally {
    for (const [, contestant] of contestants) await contestant.dispose();
  }
}

const mean = (steps: readonly number[]): number => steps.reduce((sum, step) => sum + step, 0) / steps.length;
const longest = (steps: readonly number[]): number => Math.max(...steps);

type Batch = { readonly x: tf.Tensor2D; readonly y: tf.Tensor2D };

function batch(): Batch {
  return { x: tf.randomNormal([BATCH, WIDTH]), y: tf.randomNormal([BATCH, WIDTH]) };
}

function model() {
  const kernel = tf.variable(tf.randomNormal<tf.Rank.R2>([WIDTH, WIDTH], 0, 0.01));
  return functionModel<Batch>({
    variables: { kernel },
    losses: ({ x, y }) => tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, x.matMul(kernel)),
  });
}
