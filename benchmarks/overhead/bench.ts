import { join } from 'node:path';
import { ConsoleLogger, type PluginInput, presetDefault, selectDevice, tf, TrainerBase } from 'hookline';
import {
  alternate,
  type BenchmarkArgs,
  type BenchmarkResult,
  type Figure,
  figureOfPairs,
  median,
} from '../lib/index.ts';
import { makeCheckedStep } from './checked-step.ts';
import { makeBody } from './step-body.ts';

const STEPS = 400;

/** Records when steps start and end, so that the time between steps can be separated from the time within them. */
class Clock {
  readonly #begun: number[] = [];
  readonly #ended: number[] = [];

  around<T>(body: () => T): T {
    this.#begun.push(performance.now());
    const result = body();
    this.#ended.push(performance.now());
    return result;
  }

  /** Milliseconds from the beginning of one step to that of the next. */
  get period(): number {
    return median(this.#begun.slice(1).map((begin, step) => begin - (this.#begun[step] ?? begin)));
  }

  /** Milliseconds from the end of one step to the beginning of the next. */
  get between(): number {
    return median(this.#begun.slice(1).map((begin, step) => begin - (this.#ended[step] ?? begin)));
  }
}

/**
 * Measures what the engine and its plugins add to a step. The step trains a small network and is written by hand. All
 * contestants except `fit` run the same function, so everything that the engine adds lies between two steps.
 */
export default async function overhead({ quick }: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  await selectDevice('auto');
  const body = makeBody();
  const between: Record<'loop' | 'bare' | 'preset_default', number[]> = { loop: [], bare: [], preset_default: [] };

  const loop = (): number => {
    const clock = new Clock();
    for (let step = 0; step < STEPS; step++) clock.around(body.step);
    between.loop.push(clock.between * 1000);
    return clock.period;
  };
  const hookline = async (label: 'bare' | 'preset_default', plugins: readonly PluginInput[]): Promise<number> => {
    const clock = new Clock();
    const step = () => ({ losses: { total_loss: clock.around(body.step) }, dataTime: 0 });
    const logger = new ConsoleLogger({ level: 'silent' });
    const run = new TrainerBase({ step, maxIterations: STEPS, plugins, output: join(folder, label), logger, seed: 1 });
    await run.train();
    between[label].push(clock.between * 1000);
    return clock.period;
  };
  const periodic = STEPS * 10;
  const preset = () =>
    presetDefault({ lrScheduler: false, checkpointer: { period: periodic }, writers: { period: periodic } });
  const rounds = quick ? 3 : 15;
  const { figures, samples } = await alternate(
    {
      'step.loop': loop,
      'step.bare': () => hookline('bare', []),
      'step.preset_default': () => hookline('preset_default', [preset()]),
      'step.fit': () => body.fit(STEPS),
    },
    { rounds, warmup: 2 },
  );
  body.dispose();
  const check = await checkCosts(quick);
  const added = (label: 'bare' | 'preset_default') =>
    figureOfPairs(between[label].slice(-rounds), between.loop.slice(-rounds), (ours, theirs) => ours - theirs, 'us');
  return {
    figures: { ...figures, 'added.bare': added('bare'), 'added.preset_default': added('preset_default'), ...check },
    notes: [
      `${tf.getBackend()}; each round is ${STEPS} steps of an MLP 16-32-4, batch 32, SGD; a figure is the median of its round`,
      'added: from the end of one step to the beginning of the next, less the same of the hand-written loop',
      "check: Hookline's own step of the same network that looks whether loss and gradients are finite, less one that does not",
      `goal: added.preset_default at most 20 us; samples: ${samples['step.loop'].length} rounds`,
    ],
  };
}

/** The microseconds that the check of loss and gradients adds to a step: eager and, on native TensorFlow, captured. */
async function checkCosts(quick: boolean): Promise<Record<string, Figure>> {
  const found: Record<string, Figure> = {};
  for (const [name, capture] of [
    ['eager', 'off'],
    ['captured', 'required'],
  ] as const) {
    // Only native TensorFlow can run captured graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') continue;
    const [checked, unchecked] = [makeCheckedStep(capture, 'always'), makeCheckedStep(capture, 'off')];
    const { samples } = await alternate(
      { checked: () => checked.measure(STEPS), unchecked: () => unchecked.measure(STEPS) },
      // A captured step runs eagerly at least twice before its graph runs, and is compared from time to time up to step 512.
      { rounds: quick ? 3 : 15, warmup: 2 },
    );
    await checked.close();
    await unchecked.close();
    found[`check.${name}`] = figureOfPairs(samples.checked, samples.unchecked, (ours, theirs) => ours - theirs, 'us');
  }
  return found;
}
