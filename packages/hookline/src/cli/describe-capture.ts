import { join } from 'node:path';
import { stepRunnerRef } from '@hookline/core';
import { CapturedStepRunner, describeGraph, writeGraphEvents } from '@hookline/tfjs';
import type { RunnableTrainer } from './trainer-in-file.ts';

/** What `inspect` prints about the step. */
export interface CaptureDescription {
  /** One line that says whether the step will be captured or, if not, why. */
  readonly line: string;
  readonly isCaptured: boolean;
  /** The captured graph as text. */
  readonly graph?: string;
}

/**
 * Records the step on one batch, without changing a weight, and describes the result.
 *
 * @param events folder to which the graph is written for TensorBoard; undefined writes nothing
 */
export async function describeCapture(trainer: RunnableTrainer, events?: string): Promise<CaptureDescription> {
  const service: unknown = await trainer.service(stepRunnerRef);
  const handle = service as { readonly value?: unknown };
  const runner = handle.value ?? service;
  if (!(runner instanceof CapturedStepRunner)) {
    return { isCaptured: false, line: "step: eager, since capture is 'off' or the step is the trainer's own" };
  }
  await runner.prepare();
  const { isCaptured, reason, report } = runner.status;
  if (!isCaptured) return { isCaptured, line: `step: eager, since it cannot be captured: ${reason}` };
  if (events !== undefined) writeGraphEvents(runner.recorded, join(events, 'graph'));
  const line = `step: will be captured as one graph of ${report?.nodes} nodes`;
  return { isCaptured, line, graph: describeGraph(runner.recorded) };
}
