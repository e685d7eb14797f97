import { definePlugin } from '@hookline/core';
import { selectDevice } from '@hookline/tfjs';
import { traceHooks } from './hook-trace.ts';
import { tinyTraining, weightsOf } from './tiny-training.ts';

beforeAll(() => selectDevice('auto'));

describe('tinyTraining', () => {
  it('learns, and alike for equal seeds', async () => {
    const [a, b] = [tinyTraining({ maxIterations: 150 }), tinyTraining({ maxIterations: 150 })];
    await a.train();
    await b.train();
    expect(a.storage.history('total_loss').median(8)).toBeLessThan(0.05);
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    expect(Object.keys(await weightsOf(a))).toEqual(['linear/kernel', 'linear/bias']);
  });

  it('shows which taps ran, in order', async () => {
    const trace = traceHooks();
    const probe = definePlugin({
      name: 'probe',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.gradients.tap(() => undefined);
        hooks.losses.tap(() => undefined);
        hooks.afterUpdate.tap(() => undefined);
        hooks.beforeStep.tap(() => undefined);
      },
    });
    await tinyTraining({ maxIterations: 1, plugins: [trace.plugin, probe()] }).train();
    expect(trace.of('probe')).toEqual(['beforeStep', 'losses', 'gradients', 'afterUpdate']);
  });
});
