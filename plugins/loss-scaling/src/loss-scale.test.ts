import { definePlugin } from '@hookline/core';
import { selectDevice, tf } from '@hookline/tfjs';
import { lossScaling } from './plugin.ts';
import { bursts, isHere, MODES, scalars, stepLog, train } from './scaling.test.support.ts';

beforeAll(() => selectDevice('auto'));

/** The scales of a training as torch's `_amp_update_scale_` sets them, for steps that are good or not. */
function referenceScales(good: readonly boolean[], init: number, interval: number): number[] {
  let [scale, tracker] = [init, 0];
  return good.map((isGood) => {
    const used = scale;
    if (!isGood) [scale, tracker] = [scale * 0.5, 0];
    else if (++tracker === interval) [scale, tracker] = [scale * 2, 0];
    return used;
  });
}

describe.each(MODES)('the loss scale, capture %s', (capture) => {
  it("follows torch's rule for the scale", async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const isSpike = (iteration: number) => iteration % 11 === 5 || (iteration > 20 && iteration < 24);
    const { log, plugin } = stepLog();
    const plugins = [bursts(isSpike), lossScaling({ initScale: 1024, growthInterval: 3 }), plugin];
    const trainer = await train(plugins, { capture, maxIterations: 60 });
    const good = [...Array(60).keys()].map((iteration) => !isSpike(iteration));
    const wanted = referenceScales(good, 1024, 3);
    expect(new Set(wanted).size).toBeGreaterThan(5);
    expect(scalars(trainer, 'loss_scale')).toEqual(wanted);
    expect(log.at(-1)?.scaler).toContain(good.filter((isGood) => !isGood).length);
  });

  it('finds the scale by itself when it begins with one that is too large', async () => {
    if (!isHere(capture)) skipTest('captured steps need native TensorFlow');
    const trainer = await train([lossScaling({ initScale: 2 ** 126 })], { capture, maxIterations: 30 });
    const scales = scalars(trainer, 'loss_scale');
    const skipped = scalars(trainer, 'skipped_steps').at(-1) ?? NaN;
    expect(skipped).toBeGreaterThan(0);
    expect(skipped).toBeLessThan(15);
    expect(scales.at(-1)).toBe(2 ** (126 - skipped));
    const losses = scalars(trainer, 'total_loss');
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) / 2);
  });
});

it('never lets the scale become 0 or infinite', async () => {
  const low = await train([bursts(() => true), lossScaling({ initScale: 2 ** -125 })], { maxIterations: 4 });
  expect(scalars(low, 'loss_scale')).toEqual([-125, -126, -126, -126].map((power) => 2 ** power));
  const tiny = definePlugin({
    name: 'tiny-loss',
    version: '1.0.0',
    setup: ({ hooks }) =>
      hooks.losses.tap(({ total_loss: loss }) => ({ total_loss: tf.mul(loss as tf.Scalar, 2 ** -100) })),
  })();
  const high = await train([tiny, lossScaling({ initScale: 2 ** 125, growthInterval: 1 })], { maxIterations: 4 });
  expect(scalars(high, 'loss_scale')).toEqual([125, 126, 126, 126].map((power) => 2 ** power));
});
