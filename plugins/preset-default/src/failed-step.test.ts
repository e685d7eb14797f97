import { readdir, rm } from 'node:fs/promises';
import { definePlugin, HooklineError, type Plugin, randomRef } from '@hookline/core';
import { checkpointer } from '@hookline/plugin-checkpointer';
import { RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { modelRef, selectDevice } from '@hookline/tfjs';

beforeAll(() => selectDevice('auto'));

let output: string;
beforeEach(() => {
  output = temporaryFolder();
});

const FAULTY = 7;
const STEPS = 12;

/** Fails in a hook, at one iteration or never; and draws random numbers, which change the weights. */
function faulty(hook: string, at: number, error: () => Error = () => new Error('broken')): Plugin {
  return definePlugin({
    name: 'faulty',
    version: '1.0.0',
    requires: { random: randomRef, model: modelRef },
    setup({ hooks, random, model }) {
      let iteration = -1;
      hooks.beforeStep.tap((step) => {
        ({ iteration } = step);
        const noise = random.float() / 100;
        const [weight] = model.value.trainable().values();
        // Only between steps that are whole, so that the noise of a step that fails is not in the weights yet.
        if (weight !== undefined && iteration !== at) weight.assign(weight.add(noise));
      });
      (hooks as unknown as Record<string, { tap(fn: () => void): void }>)[hook]?.tap(() => {
        if (iteration === at) throw error();
      });
    },
  })();
}

const train = (plugin: Plugin, logger = new RecordingLogger()) =>
  tinyTraining({
    plugins: [checkpointer({ period: 5 }), plugin],
    maxIterations: STEPS,
    output,
    logger,
    // A captured step calls sync taps no more.
    capture: 'off',
  });

describe.each(['batch', 'losses', 'gradients', 'update', 'afterUpdate'])('a tap of %s that throws', (hook) => {
  it('leaves the state of the last whole step, and resuming makes the failed one again, to the bit', async () => {
    // The step that failed is made again without noise, as in the run that it is compared with.
    const quiet = faulty('evaluate', FAULTY);
    const whole = train(quiet);
    await whole.train();
    const expected = await weightsOf(whole);
    await rm(output, { recursive: true });

    await expect(train(faulty(hook, FAULTY)).train()).rejects.toThrow(`hook ${hook}, iteration ${FAULTY}`);
    const resumed = train(quiet);
    expect(await resumed.resumeOrLoad()).toMatch(/model_0000006\.safetensors$/);
    expect(resumed.iteration).toBe(FAULTY);
    await resumed.train();
    expect(await weightsOf(resumed)).toEqual(expected);
    expect(resumed.storage.history('total_loss').length).toBe(STEPS);
  });
});

it.each([
  ['a loss that is not finite', () => new HooklineError('HKL_LOSS_NOT_FINITE', 'NaN')],
  ['an anomaly', () => new HooklineError('HKL_ANOMALY', 'NaN')],
])('saves nothing of the end after %s', async (_, error) => {
  const logger = new RecordingLogger();
  await expect(train(faulty('afterStep', FAULTY, error), logger).train()).rejects.toThrow('NaN');
  expect(logger.lines.join('\n')).toContain(
    'no checkpoint is saved after this failure, because the weights may be its cause',
  );
  expect(await readdir(output)).not.toContain('model_0000007.safetensors');
});

it('never saves weights that are NaN, and leaves the good checkpoints', async () => {
  const logger = new RecordingLogger();
  const spoiler = definePlugin({
    name: 'spoiler',
    version: '1.0.0',
    requires: { model: modelRef },
    setup({ hooks, model }) {
      hooks.afterStep.tap(({ iteration }) => {
        if (iteration !== FAULTY) return;
        for (const weight of model.value.trainable().values()) weight.assign(weight.mul(Number.NaN));
        throw new Error('broken');
      });
    },
  })();
  await expect(train(spoiler, logger).train()).rejects.toThrow('broken');
  expect(logger.lines.join('\n')).toContain('HKL_WEIGHTS_NOT_FINITE');
  const resumed = train(faulty('evaluate', -1));
  expect(await resumed.resumeOrLoad()).toMatch(/model_0000004\.safetensors$/);
});
