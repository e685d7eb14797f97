import { join } from 'node:path';
import {
  checkpointsRef,
  definePlugin,
  type EngineHooks,
  evaluationRef,
  HOOK_TABLE,
  type Plugin,
  type TrainerBase,
} from '@hookline/core';
import { modelRef, tf, type TfjsRuntimeOptions } from '@hookline/tfjs';
import { withTemporaryFolder } from './temporary-folder.ts';
import { tinyTraining } from './tiny-training.ts';

/** The kinds of faults of a tap. */
export const TAP_FAULTS = [
  'throws',
  'rejects',
  'rejects with junk',
  'returns a thenable that throws',
  'returns a number',
  'returns a string',
  'returns an object of junk',
  'disposes its tensors',
  'never settles',
  'exits the process',
] as const;
export type TapFault = (typeof TAP_FAULTS)[number];
export type HookName = keyof EngineHooks;

/** One fault in one hook, and the expected result. */
export interface FaultCase {
  readonly hook: HookName;
  readonly fault: TapFault;
  /**
   * `named`: the training fails with an error that names plugin and hook. `ignored`: results of taps of this hook
   * are ignored, so the fault has no effect.
   */
  readonly outcome: 'named' | 'ignored';
}

const RETURNS: readonly TapFault[] = ['returns a number', 'returns a string', 'returns an object of junk'];

/** All combinations of faults and hooks of the engine. */
export function faultCases(): readonly FaultCase[] {
  return (Object.keys(HOOK_TABLE) as HookName[]).flatMap((hook) =>
    // A checkpoint is loaded before training, where process.exit loses nothing and is allowed.
    TAP_FAULTS.filter((fault) => hook !== 'loadState' || fault !== 'exits the process').map((fault): FaultCase => {
      const { kind } = HOOK_TABLE[hook];
      const isVoid = kind === 'Sync' || kind === 'AsyncSeries' || kind === 'AsyncSeriesSettled';
      // After the training, a tap may dispose of the model. A batch may be any object; the model reports what it lacks.
      const isAllowed = hook === 'afterTrain' && fault === 'disposes its tensors';
      return { hook, fault, outcome: (isVoid && RETURNS.includes(fault)) || isAllowed ? 'ignored' : 'named' };
    }),
  );
}

/** How a training with a faulty plugin ended. */
export interface FaultResult {
  readonly outcome: 'named' | 'ignored' | 'silent';
  /** The complete text of the error, including its causes. */
  readonly message: string;
}

export const CULPRIT = 'faulty-plugin';

/**
 * Trains a tiny model with a plugin that has the fault, and returns the result.
 *
 * A sync tap fails at its first call, because a captured step does not call it again; an async tap fails at iteration 2.
 *
 * @param capture as in {@link tinyTraining}
 */
export function runFault(
  fault: Pick<FaultCase, 'hook' | 'fault'>,
  capture: NonNullable<TfjsRuntimeOptions['capture']>,
): Promise<FaultResult> {
  return withTemporaryFolder((output) => runFaultIn(output, fault, capture));
}

async function runFaultIn(
  output: string,
  { hook, fault }: Pick<FaultCase, 'hook' | 'fault'>,
  capture: NonNullable<TfjsRuntimeOptions['capture']>,
): Promise<FaultResult> {
  const train = (...plugins: Plugin[]): TrainerBase => tinyTraining({ plugins, maxIterations: 4, output, capture });
  try {
    const culprit = faultyPlugin(hook, fault);
    if (hook === 'loadState') {
      await train(caller()).train();
      await train(culprit).load(join(output, 'called.safetensors'));
    } else await train(culprit, caller(), ...(hook === 'stepFailed' ? [breaker()] : [])).train();
    return { outcome: 'ignored', message: '' };
  } catch (error) {
    const message = error instanceof AggregateError ? error.errors.map(String).join('\n') : String(error);
    const isNamed = message.includes(CULPRIT) && message.includes(`hook ${hook}`);
    // If the tap returns nothing, the error of the step must reach the user.
    const isPassedOn = hook === 'stepFailed' && message.includes('the step breaks') && !message.includes(CULPRIT);
    return { outcome: isNamed ? 'named' : isPassedOn ? 'ignored' : 'silent', message };
  }
}

/** A plugin whose tap of `hook` has the fault. */
export const faultyPlugin = (hook: HookName, fault: TapFault): Plugin =>
  definePlugin({
    name: CULPRIT,
    version: '1.0.0',
    requires: { model: modelRef },
    setup({ hooks, model }) {
      let isDone = false;
      const weight = (): tf.Variable | undefined => [...model.value.trainable().values()][0];
      const tap = (...args: readonly unknown[]): unknown => {
        const { iteration = 2 } = (args[0] ?? {}) as { readonly iteration?: number };
        const isEarly = (hook === 'beforeStep' || hook === 'afterStep') && iteration < 2;
        if (isDone || isEarly) return undefined;
        isDone = true;
        return act(fault, args[0], weight());
      };
      (hooks[hook] as unknown as { tap(fn: typeof tap): void }).tap(tap);
    },
  })();

function act(fault: TapFault, input: unknown, weight: tf.Variable | undefined): unknown {
  switch (fault) {
    case 'throws':
      throw new TypeError('thrown');
    case 'rejects':
      return Promise.reject(new TypeError('rejected'));
    case 'rejects with junk':
      return Promise.reject(undefined);
    case 'returns a thenable that throws':
      return {
        then() {
          throw new TypeError('thrown by then');
        },
      };
    case 'returns a number':
      return 5;
    case 'returns a string':
      return 'junk';
    case 'returns an object of junk':
      return { junk: 'junk' };
    case 'disposes its tensors':
      dispose(input, weight);
      return undefined;
    case 'never settles':
      // Node reports a pending promise only when nothing else is left to do; here the test process is alive.
      setTimeout(() => process.emit('beforeExit', 0), 20);
      return new Promise(() => undefined);
    case 'exits the process':
      return process.exit(0);
  }
}

function dispose(input: unknown, weight: tf.Variable | undefined): void {
  const tensors = typeof input === 'object' && input !== null ? Object.values(input) : [];
  const found = tensors.filter((value): value is tf.Tensor => value instanceof tf.Tensor);
  if (found.length === 0) weight?.dispose();
  else for (const tensor of found) tensor.dispose();
}

/** Runs an evaluation and saves a checkpoint at iteration 2. */
const caller = definePlugin({
  name: 'caller',
  version: '1.0.0',
  requires: { evaluation: evaluationRef, checkpoints: checkpointsRef },
  setup({ hooks, evaluation, checkpoints }) {
    hooks.afterStep.tap(async (step) => {
      if (step.iteration !== 2) return;
      await evaluation.run(step);
      await checkpoints.save('called');
    });
  },
});

/** Makes a step fail. */
const breaker = definePlugin({
  name: 'breaker',
  version: '1.0.0',
  setup({ hooks }) {
    hooks.losses.tap(() => {
      throw new Error('the step breaks');
    });
  },
});
