import { definePlugin, type Plugin } from '@hookline/core';
import { type Contract, makeTrainer } from './contract-trainer.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';

const PHASES = ['beforeTrain', 'beforeStep', 'losses', 'afterStep', 'saveState', 'afterTrain'] as const;
type Phase = (typeof PHASES)[number];
const THROWN = 'thrown on purpose';
const STEPS = 3;

/** Throws in one hook; for hooks of steps, at the second step. */
const thrower = (phase: Phase): Plugin =>
  definePlugin({
    name: '@hookline/testing/thrower',
    version: '0.1.0',
    setup({ hooks }) {
      let calls = 0;
      const isStep = phase === 'beforeStep' || phase === 'afterStep' || phase === 'losses';
      const tap = (): void => {
        if (calls++ === (isStep ? 1 : 0)) throw new Error(THROWN);
      };
      hooks[phase].tap(tap);
    },
  })();

/**
 * Trains together with a plugin that throws, once in each hook. The training must end with only that error, close, and be disposed of: the
 * tested plugin must neither hide the error nor fail because of it.
 *
 * @param hasTensors whether the trainer has steps with tensors, so that the plugin can throw inside them
 * @returns the number of hooks that were tried, and the violations
 */
export async function passesErrorsOn(
  contract: Contract,
  hasTensors: boolean,
): Promise<{ readonly tried: number; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const phases = PHASES.filter((phase) => phase !== 'losses' || hasTensors);
  for (const phase of phases) {
    const problem = await withTemporaryFolder((output) => throwsIn(contract, phase, output));
    if (problem !== undefined) problems.push(`in ${phase}: ${problem}`);
  }
  return { tried: phases.length, problems };
}

async function throwsIn(contract: Contract, phase: Phase, output: string): Promise<string | undefined> {
  const trainer = makeTrainer(contract, output, { iterations: STEPS, more: [thrower(phase)] });
  let error: unknown;
  try {
    await trainer.train();
  } catch (caught) {
    error = caught;
  }
  try {
    await trainer.dispose();
  } catch (cause) {
    return `the trainer cannot be disposed of afterwards: ${String(cause)}`;
  }
  // A plugin may handle a failed step, and saveState is not called if nothing saves.
  if (error === undefined) return phase === 'losses' || phase === 'saveState' ? undefined : 'the error is lost';
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const others = errors.filter((each) => !describe(each).includes(THROWN));
  return others.length === 0 ? undefined : `it adds ${others.map(describe).join('; ')}`;
}

/** The message with those of its causes. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}, because of ${describe(error.cause)}`;
}
