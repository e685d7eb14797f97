import { join } from 'node:path';
import { definePlugin, type PluginInput } from '@hookline/core';
import { anomalyGuard } from '@hookline/plugin-anomaly-guard';
import { ema } from '@hookline/plugin-ema';
import { gradientAccumulation } from '@hookline/plugin-gradient-accumulation';
import { gradientClipping } from '@hookline/plugin-gradient-clipping';
import { lossScaling } from '@hookline/plugin-loss-scaling';
import { RecordingLogger } from '@hookline/testing';
import { snapshotVariables, modelRef, selectDevice, stepScopeRef, tf, trainingStepRef } from '@hookline/tfjs';
import {
  everyPlugin,
  fullTrainer,
  histories,
  isHere,
  MODES,
  pointTrainer,
  weightsAndAverages,
} from './all-plugins.test.support.ts';
import { type SimpleTrainerOptions } from './simple-trainer.ts';

let dir: string;
beforeAll(() => selectDevice('auto'));
beforeEach(() => {
  dir = temporaryFolder();
});

/** Makes the gradients of some iterations infinite, without changing the loss. */
const bursts = (...at: readonly number[]) =>
  definePlugin({
    name: 'bursts',
    version: '1.0.0',
    requires: { scope: stepScopeRef },
    setup({ hooks, scope }) {
      let iteration = 0;
      hooks.beforeStep.tap((step) => void ({ iteration } = step));
      const factor = scope.value.input('bursts', () => (at.includes(iteration) ? Infinity : 1));
      const burst = tf.customGrad((x) => ({
        value: (x as tf.Tensor).clone(),
        gradFunc: (dy: tf.Tensor) => dy.mul(factor.tensor()),
      }));
      hooks.losses.tap((losses) =>
        Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, burst(loss as tf.Scalar) as tf.Scalar])),
      );
    },
  })();

/** All variables of model and scope after every step, as plain numbers. */
function stepLog() {
  const log: Record<string, readonly number[]>[] = [];
  const plugin = definePlugin({
    name: 'step-log',
    version: '1.0.0',
    requires: { model: modelRef, step: trainingStepRef },
    setup({ hooks, model, step }) {
      hooks.afterStep.tap(async () => {
        const own = [...step.value.variables()].flatMap(([name, variable]) =>
          name.startsWith('scope/') ? [[name.slice('scope/'.length), variable] as const] : [],
        );
        const tensors = await snapshotVariables(new Map([...model.value.trainable(), ...model.value.state(), ...own]));
        log.push(Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...(data as Float32Array)]])));
      });
    },
  })();
  return { log, plugin };
}

const make = (plugins: readonly PluginInput[], options: Partial<SimpleTrainerOptions> = {}) =>
  pointTrainer(dir, plugins, options);

const parts = (log: Readonly<Record<string, readonly number[]>> | undefined, pattern: RegExp) =>
  Object.fromEntries(Object.entries(log ?? {}).filter(([name]) => pattern.test(name)));

const WEIGHTS = /^(dense|batch).*(kernel|gamma)/;

describe.each(MODES)('loss scaling beside other plugins, capture %s', (capture) => {
  it('lets clipping see the true gradients', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const run = async (...scaling: PluginInput[]) => {
      const { log, plugin } = stepLog();
      // Clipping is listed first, but its labels put it after loss scaling.
      const clipping = gradientClipping({ type: 'global-norm', clip: 0.5, metric: true });
      const trainer = make([clipping, ...scaling, plugin], { capture });
      await trainer.train();
      const { grad_norm: norms } = histories(trainer);
      return { norms, weights: parts(log.at(-1), WEIGHTS) };
    };
    const plain = await run();
    expect(plain.norms?.flat().some((norm) => norm > 0.5)).toBe(true);
    expect(Object.keys(plain.weights).length).toBeGreaterThan(2);
    expect(await run(lossScaling())).toEqual(plain);
  });

  it('loses the update of a micro-batch that overflows, and nothing else', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const { log, plugin } = stepLog();
    // Updates come at 1, 3, 5 and 7.
    const trainer = make([lossScaling(), gradientAccumulation({ steps: 2 }), bursts(2, 5), plugin], { capture });
    await trainer.train();
    const weights = log.map((each) => parts(each, WEIGHTS));
    const sums = log.map((each) => Object.values(parts(each, /accumulation/)).flat());
    for (const at of [2, 3, 4, 5, 6]) expect({ at, weights: weights[at] }).toEqual({ at, weights: weights[1] });
    expect(weights[7]).not.toEqual(weights[1]);
    expect(
      Object.values(weights[7] ?? {})
        .flat()
        .every(Number.isFinite),
    ).toBe(true);
    expect(sums[2]?.every(Number.isFinite)).toBe(false);
    for (const at of [1, 3, 5, 7]) expect(new Set(sums[at])).toEqual(new Set([0]));
    expect(histories(trainer)['skipped_steps']).toEqual([
      [1, 0],
      [3, 1],
      [5, 2],
      [7, 2],
    ]);
  });

  it('leaves averages as they were where an update is skipped, and keeps what the forward pass has seen', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const { log, plugin } = stepLog();
    await make([ema({ decay: 0.9 }), lossScaling(), bursts(4), plugin], { capture }).train();
    const [before, after, later] = [log[3], log[4], log[5]];
    for (const pattern of [/average/, /updates/, /^dense|gamma/]) {
      expect(Object.keys(parts(before, pattern))).not.toEqual([]);
      expect(parts(after, pattern)).toEqual(parts(before, pattern));
      expect(parts(later, pattern)).not.toEqual(parts(before, pattern));
    }
    const moving = /^(?!.*average\/).*moving_mean/;
    expect(Object.keys(parts(before, moving))).toHaveLength(1);
    expect(parts(after, moving)).not.toEqual(parts(before, moving));
  });

  it.each(['warn', 'skip', 'raise'] as const)('is no anomaly when it skips, gradients %s', async (gradients) => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const logger = new RecordingLogger();
    const guard = anomalyGuard({ gradients, period: 2 });
    const trainer = make([guard, lossScaling(), bursts(2, 3)], { capture, logger });
    expect(await trainer.train()).toMatchObject({ status: 'completed' });
    expect(new Set(histories(trainer)['nonfinite_gradients']?.map(([, count]) => count))).toEqual(new Set([0]));
    expect(histories(trainer)['skipped_steps']?.at(-1)).toEqual([7, 2]);
    expect(logger.matching('not finite')).toEqual([]);
  });

  it('works beside everything else, and resumes to the bit', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const run = (name: string, seed: number) => {
      const plugins = [...everyPlugin(), bursts(3, 16), lossScaling({ growthInterval: 3 })];
      return fullTrainer({ output: join(dir, name), capture, maxIterations: 20, seed, plugins });
    };
    const whole = run('whole', 5);
    await whole.train();
    const wanted = { weights: await weightsAndAverages(whole), scalars: histories(whole) };
    // The burst at 3, the NaN at 13 that is part of the update at 14, and the burst at 16.
    expect(wanted.scalars['skipped_steps']?.at(-1)).toEqual([18, 3]);
    await whole.dispose();
    const resumed = run('resumed', 99);
    await resumed.load(join(dir, 'whole', 'model_0000014.safetensors'));
    await resumed.train();
    expect(await weightsAndAverages(resumed)).toEqual(wanted.weights);
    for (const name of ['loss_scale', 'skipped_steps', 'total_loss']) {
      expect(histories(resumed)[name]).toEqual(wanted.scalars[name]);
    }
    await resumed.dispose();
  });
});
