import { join } from 'node:path';
import { stepRunnerRef } from '@hookline/core';
import { CapturedStepRunner, describeGraph, writeGraphEvents } from '@hookline/tfjs';
import type { RunnableTrainer } from './trainer-in-file.ts';

/** What `inspect` says of the step. */
export interface CaptureDescription {
  /** One line: whether the step will be captured, or why not. */
  readonly line: string;
  readonly isCaptured: boolean;
  /** The captured graph as text. */
  readonly graph?: string;
}

/**
 * Records the step on one batch, without changing a weight, and says what came of it.
 *
 * @param events where the graph is written for TensorBoard: a folder, or undefined for nowhere
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
