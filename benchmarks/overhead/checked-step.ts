import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import { BatchSource, createStepRunner, functionModel, sgd, RunnerScope, tf, type CheckFinite } from '@hookline/tfjs';
import { BATCH, HIDDEN, INPUTS, LEARNING_RATE, OUTPUTS } from './step-body.ts';

/** A step of Hookline's runner, with or without the check of loss and gradients. */
export interface CheckedStep {
  /** Runs `steps` steps and reads the loss after each. Resolves to the median time in microseconds. */
  measure(steps: number): Promise<number>;
  close(): Promise<void>;
}

/** Makes a step with the same network and batch as the hand-written step. */
export function makeCheckedStep(capture: 'off' | 'required', checkFinite: CheckFinite): CheckedStep {
  const [w1, b1] = [tf.variable(tf.randomNormal([INPUTS, HIDDEN], 0, 0.2)), tf.variable(tf.zeros([HIDDEN]))];
  const [w2, b2] = [tf.variable(tf.randomNormal([HIDDEN, OUTPUTS], 0, 0.2)), tf.variable(tf.zeros([OUTPUTS]))];
  const batch = { x: tf.randomNormal([BATCH, INPUTS]), y: tf.randomNormal([BATCH, OUTPUTS]) };
  const model = functionModel<typeof batch>({
    variables: { w1, b1, w2, b2 },
    losses: ({ x, y }) =>
      tf.losses.meanSquaredError<tf.Tensor, tf.Scalar>(y, x.matMul(w1).add(b1).relu().matMul(w2).add(b2)),
  });
  const runner = createStepRunner({
    model,
    optimizer: sgd(model, { learningRate: LEARNING_RATE }),
    hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
    scope: new RunnerScope(),
    source: new BatchSource([batch], { repeat: true, tensors: 'borrow' }),
    capture,
    checkFinite,
  });
  let iteration = 0;
  const step = async (): Promise<number> => {
    const begin = performance.now();
    const { losses } = await runner.run({ iteration: iteration++, startIteration: 0, maxIterations: Infinity });
    for (const loss of Object.values(losses)) {
      if (typeof loss === 'number') continue;
      await loss.read();
      loss.dispose?.();
    }
    return (performance.now() - begin) * 1000;
  };
  return {
    async measure(steps) {
      const times: number[] = [];
      for (let i = 0; i < steps; i++) times.push(await step());
      return times.sort((a, b) => a - b)[steps >> 1] ?? Number.NaN;
    },
    async close() {
      await runner.close?.();
      tf.dispose([w1, b1, w2, b2, batch.x, batch.y]);
    },
  };
}
