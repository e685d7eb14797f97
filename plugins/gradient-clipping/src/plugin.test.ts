import { readFile } from 'node:fs/promises';
import { definePlugin, type PluginInput, TrainerBase } from '@hookline/core';
import { checkPluginContract, RecordingLogger, tinyTraining, weightsOf } from '@hookline/testing';
import { functionModel, selectDevice, sgd, tf, tfjsRuntime, type TrainableModel } from '@hookline/tfjs';
import { gradientClipping } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

/** What the optimizer gets in the first step: plain descent at rate 1 takes exactly the gradients from the weights. */
async function gradientsWith(...plugins: readonly PluginInput[]): Promise<Record<string, number[]>> {
  const optimizer = (model: TrainableModel) => sgd(model, { learningRate: 1 });
  const trainer = tinyTraining({ plugins, optimizer, maxIterations: 1 });
  await trainer.prepare();
  const before = await weightsOf(trainer);
  await trainer.train();
  const after = Object.entries(await weightsOf(trainer));
  return Object.fromEntries(after.map(([name, now]) => [name, now.map((w, i) => (before[name]?.[i] ?? NaN) - w)]));
}

const norm = (gradients: Record<string, number[]>): number => Math.hypot(...Object.values(gradients).flat());

describe('gradientClipping', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(gradientClipping.definition).toMatchObject({ name, version });
  });

  it('clips what the optimizer gets', async () => {
    const raw = await gradientsWith();
    expect(norm(raw)).toBeGreaterThan(0.5);
    expect(norm(await gradientsWith(gradientClipping({ type: 'global-norm', clip: 0.25 })))).toBeCloseTo(0.25, 4);
    const clipped = await gradientsWith(gradientClipping({ clip: 0.1 }));
    for (const key of Object.keys(raw)) {
      raw[key]?.forEach((g, i) => expect(clipped[key]?.[i]).toBeCloseTo(Math.max(-0.1, Math.min(0.1, g)), 6));
    }
  });

  it.each(['off', 'required'] as const)('stores the norm before clipping, with capture %s', async (capture) => {
    const raw = await gradientsWith();
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') skipTest('captured steps need native TensorFlow');
    const trainer = tinyTraining({
      plugins: [gradientClipping({ type: 'norm', clip: 0.01, metric: true })],
      capture,
      maxIterations: 5,
    });
    await trainer.train();
    const history = trainer.storage.history('grad_norm').values();
    expect(history.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4]);
    expect(history[0]?.value).toBeCloseTo(norm(raw), 4);
  });

  describe.each(['off', 'required'] as const)(
    'a gradient that is not finite though the loss is, capture %s',
    (capture) => {
      // The derivative of sqrt at 0 is infinite, and that of sqrt(x²) there is NaN.
      const LOSSES = { infinite: (w: tf.Tensor) => w.sqrt().sum(), NaN: (w: tf.Tensor) => w.square().sqrt().sum() };

      async function run(
        fault: keyof typeof LOSSES,
        plugin: PluginInput,
      ): Promise<{ error: unknown; weights: number[] }> {
        const [w, v] = [tf.variable(tf.tensor1d([0, 4])), tf.variable(tf.scalar(3))];
        const model = functionModel({
          variables: { w, v },
          losses: () => ({ w_loss: LOSSES[fault](w).asScalar(), v_loss: v.square().asScalar() }),
        });
        const runtime = tfjsRuntime({
          model,
          optimizer: (made) => sgd(made, { learningRate: 0.1 }),
          data: [tf.scalar(1)],
          repeat: true,
          capture,
        });
        const trainer = new TrainerBase({
          maxIterations: 1,
          logger: new RecordingLogger(),
          services: runtime.services,
          plugins: [...runtime.plugins, plugin],
        });
        let error: unknown;
        await trainer.train().catch((cause: unknown) => (error = cause));
        const weights = [...w.dataSync(), ...v.dataSync()];
        await trainer.dispose();
        return { error, weights };
      }

      it.each([
        ['NaN', 'value', gradientClipping({ clip: 0.5 })],
        ['NaN', 'norm', gradientClipping({ type: 'norm', clip: 0.5 })],
        ['NaN', 'global-norm', gradientClipping({ type: 'global-norm', clip: 0.5 })],
        ['infinite', 'norm', gradientClipping({ type: 'norm', clip: 0.5 })],
        ['infinite', 'global-norm', gradientClipping({ type: 'global-norm', clip: 0.5 })],
      ] as const)('%s: clipping by %s does not hide it, and the weights stay', async (fault, _, plugin) => {
        // Only native TensorFlow runs graphs.
        if (capture === 'required' && tf.getBackend() !== 'tensorflow')
          skipTest('captured steps need native TensorFlow');
        const { error, weights } = await run(fault, plugin);
        expect(error).toMatchObject({ code: 'HKL_GRADIENT_NOT_FINITE' });
        expect(weights).toEqual([0, 4, 3]);
      });

      it('infinite: clipping by value makes the bound of it, as in PyTorch', async () => {
        if (capture === 'required' && tf.getBackend() !== 'tensorflow')
          skipTest('captured steps need native TensorFlow');
        const { error, weights } = await run('infinite', gradientClipping({ clip: 0.25 }));
        expect(error).toBeUndefined();
        expect(weights[0]).toBeCloseTo(-0.025, 6);
        expect(weights[2]).toBeCloseTo(2.975, 6);
      });
    },
  );

  it('reads nothing of its metric before somebody asks, in eager steps', async () => {
    const watch = definePlugin({
      name: 'watch',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterStep.tap((_, { metrics }) => expect(typeof metrics?.['norm/all']).toBe('object'));
      },
    })();
    // A captured step hands its metrics over together with the losses, in the one read it makes anyway.
    const plugins = [gradientClipping({ metric: 'norm/all' }), watch];
    await tinyTraining({ plugins, capture: 'off', maxIterations: 3 }).train();
  });

  it('leaves no tensor behind, captured as eager', async () => {
    const trainer = tinyTraining({ plugins: [gradientClipping({ type: 'norm', norm: 'inf', metric: true })] });
    await trainer.train({ maxIterations: 4 });
    trainer.storage.latest();
    const before = tf.memory().numTensors;
    await trainer.train({ maxIterations: 40 });
    trainer.storage.latest();
    expect(tf.memory().numTensors).toBe(before);
    expect(
      Object.values(await weightsOf(trainer))
        .flat()
        .every(Number.isFinite),
    ).toBe(true);
  });

  it('refuses options that make no sense', async () => {
    for (const options of [{ clip: 0 }, { clip: -1 }, { norm: 0.5 }, { type: 'global' }]) {
      const trainer = tinyTraining({ plugins: [gradientClipping(options as never)] });
      await expect(trainer.prepare()).rejects.toMatchObject({ code: 'HKL_OPTION_INVALID' });
    }
  });

  it('keeps the contract of plugins', () =>
    checkPluginContract({
      plugin: () => gradientClipping({ metric: true }),
      trainer: tinyTraining,
      observe: (trainer) => trainer.storage.history('total_loss').values().slice(-2),
    }));
});
