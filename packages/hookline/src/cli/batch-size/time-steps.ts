import { writeFileSync } from 'node:fs';
import { type ScalarValue, stepRunnerRef } from '@hookline/core';
import type { RunnableTrainer } from '../trainer-in-file.ts';

/** What a batch size came to in its process. */
export interface TimedSize {
  readonly batchSize: number;
  /** The median over the timed steps, waiting for data included. */
  readonly secondsPerStep: number;
  /** The most memory that the process had, in bytes; that of a GPU is not in it. */
  readonly memory: number;
}

/** Steps before the timed ones: the first are recorded and compiled, and loaders start. */
const WARM_UP = 3;

/** Runs some steps of a trainer without its loop, so that nothing is evaluated or written, and times them. */
export async function timeSteps(trainer: RunnableTrainer, batchSize: number, steps: number): Promise<TimedSize> {
  dieFirst();
  const runner = await trainer.service(stepRunnerRef);
  const seconds: number[] = [];
  const count = WARM_UP + steps;
  for (let iteration = 0; iteration < count; iteration++) {
    const start = performance.now();
    const {
      losses,
      totalLoss,
      metrics = {},
    } = await runner.run({ iteration, startIteration: 0, maxIterations: count });
    const values: ScalarValue[] = [...Object.values(losses), ...Object.values(metrics), totalLoss ?? 0];
    // A step is done when its loss can be read.
    for (const value of values) if (typeof value !== 'number') await value.read();
    for (const value of values) if (typeof value !== 'number') value.dispose?.();
    if (iteration >= WARM_UP) seconds.push((performance.now() - start) / 1000);
  }
  const median = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN;
  return { batchSize, secondsPerStep: median, memory: process.resourceUsage().maxRSS * 1024 };
}

/** Where memory runs out, Linux ends a process that it chooses: let it be this one. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Another system has no such file.
  }
}
