import { HOOK_TABLE, HookSet, HookSite } from '@hookline/core';
import tf from '#tfjs';
import { BatchSource } from '../batch/batch-source.ts';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { adam } from '../optim/adam.ts';
import { findNativeRuntime } from '@hookline/native-runtime';
import { createStepRunner } from './create-step-runner.ts';
import type { CheckFinite } from './eager-runner.ts';
import { RunnerScope } from '../scope/runner-scope.ts';
import { LAYERS, outcomesOf, PARTS, predictionOf } from './non-finite-cases.test.support.ts';

// TensorFlow reads whether oneDNN is on when it loads, so non-finite-onednn.test.ts runs this file with the other setting.
const hasNative = findNativeRuntime().runtime !== undefined;
// Capturing needs the native runtime, which `npx hookline setup` provides.
const native = hasNative ? describe : describe.skip;

native(
  `NaN and infinity, oneDNN ${process.env['TF_ENABLE_ONEDNN_OPTS'] ?? 'by default'} (needs the native runtime)`,
  () => {
    beforeAll(async () => {
      await loadNativeBackend(true);
    });

    it.each(Object.entries(LAYERS))(
      '%s: a captured step fails wherever an eager one does, and changes nothing',
      async (name, layer) => {
        const eager = await outcomesOf(layer, false, PARTS[name]);
        const captured = await outcomesOf(layer, true, PARTS[name]);
        expect(captured).toEqual(eager);
        for (const outcome of eager) {
          expect(outcome).toMatchObject({ isPoisoned: false, isUnchanged: outcome.end !== 'done' });
        }
        // Without a failing eager step the comparison would prove nothing.
        expect(eager.filter(({ end }) => end !== 'done').length).toBeGreaterThan(1);
      },
    );
  },
);

native('NaN in a prediction (needs the native runtime)', () => {
  beforeAll(() => loadNativeBackend(true));

  it.each(['dense relu', 'conv2d relu', 'batch norm relu', 'residual conv bias relu'])(
    'gives NaN captured where it does eagerly: %s',
    (name) => {
      const eager = predictionOf(LAYERS[name]!, false);
      expect(eager).toContain(true);
      expect(predictionOf(LAYERS[name]!, true)).toEqual(eager);
    },
  );
});

native('a gradient that is not finite though the loss is (needs the native runtime)', () => {
  beforeAll(() => loadNativeBackend(true));
  afterEach(() => tf.disposeVariables());

  /** Runs one step. The derivative of sqrt at 0 is infinite, so the first gradient of `a` is not finite. */
  async function run(capture: 'off' | 'required', checkFinite: CheckFinite) {
    const [a, b] = [tf.variable(tf.tensor1d([0, 4])), tf.variable(tf.scalar(3))];
    const model = functionModel({
      variables: { 'layer/a': a, 'layer/b': b },
      losses: () => ({ loss_a: a.sqrt().sum().asScalar(), loss_b: b.square().asScalar() }),
    });
    const runner = createStepRunner({
      model,
      optimizer: adam(model, { learningRate: 0.1 }),
      source: new BatchSource([tf.scalar(1)], { repeat: true, tensors: 'borrow' }),
      hooks: new HookSet('engine', HOOK_TABLE, new HookSite()).byName,
      scope: new RunnerScope(),
      capture,
      checkFinite,
    });
    let message = 'done';
    try {
      await runner.run({ iteration: 7, startIteration: 0, maxIterations: 10 });
    } catch (error) {
      message = String(error);
    }
    const values = [...a.dataSync(), ...b.dataSync()];
    await runner.close?.();
    return { message, values };
  }

  it.each(['off', 'required'] as const)(
    'ends the step before anything changes, capture %s, and names the variable',
    async (capture) => {
      const { message, values } = await run(capture, 'always');
      expect(message).toContain('[HKL_GRADIENT_NOT_FINITE] step: the gradients of 1 of 2 variables became infinite or NaN (layer/a), though the loss is 11 (iteration 7)'); // prettier-ignore
      expect(values).toEqual([0, 4, 3]);
    },
  );

  it.each(['off', 'required'] as const)('changes the weights without the check, capture %s', async (capture) => {
    const { message, values } = await run(capture, 'off');
    expect(message).toBe('done');
    expect(values[0]).toBeNaN();
    expect(values[2]).toBeCloseTo(2.9);
  });
});
