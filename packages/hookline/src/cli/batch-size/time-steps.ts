import { writeFileSync } from 'node:fs';
import { stepRunnerRef } from '@hookline/core';
import type { RunnableTrainer } from '../trainer-in-file.ts';

/** The measurements of one batch size. */
export interface TimedSize {
  readonly batchSize: number;
  /** Median over the timed steps, including the time spent waiting for data. */
  readonly secondsPerStep: number;
  /** Peak memory of the process in bytes, without GPU memory. */
  readonly memory: number;
}

/** Untimed steps at the start, during which steps are recorded and compiled and loaders start. */
const WARM_UP = 3;

/** Times some steps of a trainer outside its loop, so that nothing is evaluated or written. */
export async function timeSteps(trainer: RunnableTrainer, batchSize: number, steps: number): Promise<TimedSize> {
  dieFirst();
  const runner = await trainer.service(stepRunnerRef);
  const seconds: number[] = [];
  const count = WARM_UP + steps;
  for (let iteration = 0; iteration < count; iteration++) {
    const start = performance.now();
    const output = await runner.run({ iteration, startIteration: 0, maxIterations: count });
    const { losses, totalLoss, metrics = {} } = output;
    const values = [...Object.values(losses), ...Object.values(metrics), totalLoss];
    const lazy = values.filter((value) => typeof value === 'object');
    // Read the loss, because a step is done only when its loss is available.
    for (const value of lazy) await value.read();
    for (const value of lazy) value.dispose?.();
    if (iteration >= WARM_UP) seconds.push((performance.now() - start) / 1000);
  }
  const median = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] as number;
  return { batchSize, secondsPerStep: median, memory: process.resourceUsage().maxRSS * 1024 };
}

/** When memory runs out, Linux kills a process of its choice; make it choose this one. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Only Linux has this file.
  }
}
