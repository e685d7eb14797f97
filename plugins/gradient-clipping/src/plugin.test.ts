import { readFile } from 'node:fs/promises';
import { definePlugin, type NamedTensors } from '@hookline/core';
import { checkPluginContract, tinyTraining, weightsOf } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { gradientClipping, VERSION } from './plugin.ts';

beforeAll(() => selectDevice('auto'));

/** Keeps the gradients of the first step as plain numbers, where it is listed. */
function spy(name: string) {
  const seen: Record<string, number[]> = {};
  const plugin = definePlugin({
    name,
    version: '1.0.0',
    after: ['gradients?'],
    setup({ hooks }) {
      hooks.gradients.tap((gradients: NamedTensors) => {
        for (const key in gradients) seen[key] ??= [...(gradients[key] as tf.Tensor).dataSync()];
        return gradients;
      });
    },
  })();
  return { seen, plugin };
}

const norm = (gradients: Record<string, number[]>): number => Math.hypot(...Object.values(gradients).flat());

describe('gradientClipping', () => {
  it('has the name and version of its package', async () => {
    const { name, version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(gradientClipping.definition).toMatchObject({ name, version });
    expect(VERSION).toBe(version);
  });

  it('clips what the optimizer gets', async () => {
    const { seen: raw, plugin } = spy('raw');
    await tinyTraining({ plugins: [plugin], maxIterations: 1 }).train();
    expect(norm(raw)).toBeGreaterThan(0.5);
    const global = spy('global');
    await tinyTraining({
      plugins: [gradientClipping({ type: 'global-norm', clip: 0.25 }), global.plugin],
      maxIterations: 1,
    }).train();
    expect(norm(global.seen)).toBeCloseTo(0.25, 4);
    const value = spy('value');
    await tinyTraining({ plugins: [gradientClipping({ clip: 0.1 }), value.plugin], maxIterations: 1 }).train();
    for (const key of Object.keys(raw)) {
      raw[key]?.forEach((g, i) => expect(value.seen[key]?.[i]).toBeCloseTo(Math.max(-0.1, Math.min(0.1, g)), 6));
    }
  });

  it.each(['off', 'required'] as const)('stores the norm before clipping, with capture %s', async (capture) => {
    const { seen, plugin } = spy('raw');
    await tinyTraining({ plugins: [plugin], maxIterations: 1 }).train();
    // Only native TensorFlow runs graphs.
    if (capture === 'required' && tf.getBackend() !== 'tensorflow') return;
    const trainer = tinyTraining({
      plugins: [gradientClipping({ type: 'norm', clip: 0.01, metric: true })],
      capture,
      maxIterations: 5,
    });
    await trainer.train();
    const history = trainer.storage.history('grad_norm').values();
    expect(history.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4]);
    expect(history[0]?.value).toBeCloseTo(norm(seen), 4);
  });

  it('reads nothing of its metric before somebody asks', async () => {
    const watch = definePlugin({
      name: 'watch',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterStep.tap((_, { metrics }) => expect(typeof metrics?.['norm/all']).toBe('object'));
      },
    })();
    await tinyTraining({ plugins: [gradientClipping({ metric: 'norm/all' }), watch], maxIterations: 3 }).train();
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
