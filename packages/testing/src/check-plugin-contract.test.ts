import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { definePlugin, defineState, randomRef, storageRef } from '@hookline/core';
import { modelRef, selectDevice, stepScopeRef, tf } from '@hookline/tfjs';
import { z } from 'zod';
import { checkPluginContract } from './check-plugin-contract.ts';
import { weightsOf } from './tiny-training.ts';

/** Sums random numbers; `keeps` says whether the sum is saved. */
const walker = (keeps: boolean) =>
  definePlugin({
    name: 'walker',
    version: '1.0.0',
    requires: { storage: storageRef, random: randomRef },
    setup({ hooks, storage, random }) {
      let sum = 0;
      hooks.afterStep.tap(() => storage.putScalar('walk', (sum += random.float())));
      if (!keeps) return {};
      const schema = z.number().min(0);
      return { state: defineState({ schema, save: () => sum, load: (saved) => void (sum = saved) }) };
    },
  })();

// Must be known before the tests are declared.
await selectDevice('auto');
const hasNative = tf.getBackend() === 'tensorflow';

describe('checkPluginContract', () => {
  it('passes a plugin that resumes exactly', async () => {
    await checkPluginContract({ plugin: () => walker(true) });
  });

  it('tells at which iterations a plugin loses its state', async () => {
    await expect(checkPluginContract({ plugin: () => walker(false), iterations: 3 })).rejects.toThrow(
      /\[HKL_CONTRACT\] walker: resumes exactly: after iteration 0: differs: .*after iteration 1: differs/,
    );
  });

  it('tells of a plugin that takes any option, and of one that fails to close', async () => {
    const lax = definePlugin({
      name: 'lax',
      version: '1.0.0',
      options: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
      setup: () => ({
        dispose: () => {
          throw new Error('stuck');
        },
      }),
    });
    await expect(checkPluginContract({ plugin: () => lax(), iterations: 2 })).rejects.toThrow(
      /refuses unknown options: one is accepted; trains twice in one trainer: .*stuck/,
    );
  });

  it('tries plugins that use tensors as they are, and waits for what is observed of them', async () => {
    /** Adds a number that is not saved to the loss. The weights differ after a resume, but no scalar shows it. */
    const pushing = (isSaved: boolean) =>
      definePlugin({
        name: 'pushing',
        version: '1.0.0',
        requires: { scope: stepScopeRef, model: modelRef },
        setup({ hooks, scope, model }) {
          let pushed = 0;
          const push = scope.value.input('pushing/push', () => pushed);
          hooks.losses.tap(({ total_loss: loss }) => {
            const [weight] = [...model.value.trainable().values()];
            return {
              total_loss: (loss as tf.Scalar).add((weight as tf.Variable).sum().mul(push.tensor())) as tf.Scalar,
            };
          });
          hooks.afterStep.tap(() => void (pushed += 0.1));
          const schema = z.number().min(0);
          return isSaved
            ? { state: defineState({ schema, save: () => pushed, load: (saved) => void (pushed = saved) }) }
            : {};
        },
      })();
    await checkPluginContract({ plugin: () => pushing(true), iterations: 3, observe: weightsOf });
    await expect(
      checkPluginContract({ plugin: () => pushing(false), iterations: 3, observe: weightsOf }),
    ).rejects.toThrow(/pushing: resumes exactly: after iteration 0: differs: .*linear\/kernel/);
  });

  it('tells of a plugin that takes junk for its state', async () => {
    const trusting = definePlugin({
      name: 'trusting',
      version: '1.0.0',
      setup: () => ({ state: { save: () => 1, load: () => undefined } }),
    });
    await expect(checkPluginContract({ plugin: () => trusting(), iterations: 2 })).rejects.toThrow(
      /refuses junk as its state: loads "junk", -5, NaN, \[\{\}\], \{"junk":true\}; give its state a schema/,
    );
  });

  it('tells of tensors and listeners that are left, and counts what waits for the device', async () => {
    let events = 0;
    const leaky = (isLeaky: boolean) =>
      definePlugin({
        name: 'leaky',
        version: '1.0.0',
        requires: { model: modelRef },
        setup({ hooks, model }) {
          hooks.afterStep.tap(() => {
            for (const weight of model.value.trainable().values()) weight.dataSync();
            if (isLeaky) tf.keep(tf.scalar(1));
          });
          const event = `leaky ${events++}`;
          process.on(event, () => undefined);
          return { dispose: () => void (isLeaky || process.removeAllListeners(event)) };
        },
      })();
    await expect(checkPluginContract({ plugin: () => leaky(true), iterations: 2 })).rejects.toThrow(
      /leaky: leaves nothing behind: leaves 1 tensors more after each step, 12 tensors when .* disposed of, 1 listeners of the process/,
    );
    const file = join(temporaryFolder(), 'contract.md');
    process.env['HOOKLINE_CONTRACT_REPORT'] = file;
    const report = await checkPluginContract({ plugin: () => leaky(false), iterations: 2 });
    delete process.env['HOOKLINE_CONTRACT_REPORT'];
    expect(report.checks).toContainEqual({
      what: 'waits for the device, times per step',
      outcome: 'measured',
      detail: '2',
    });
    const written = await readFile(file, 'utf8');
    await rm(dirname(file), { recursive: true });
    expect(written).toBe(`### leaky\n\n${report.markdown}\n\n`);
    expect(written).toContain('| resumes exactly | yes: 1 of 1 iterations |');
    expect(written).toContain('| resumes exactly, captured | not tried: it taps nothing inside of the step |');
  });

  it('tells of a plugin that fails over the errors of others', async () => {
    const fragile = definePlugin({
      name: 'fragile',
      version: '1.0.0',
      setup({ hooks }) {
        hooks.afterTrain.tap(({ status }) => {
          if (status === 'failed') throw new Error('not prepared for that');
        });
      },
    });
    await expect(checkPluginContract({ plugin: () => fragile(), iterations: 2 })).rejects.toThrow(
      /fragile: lets errors of others through: in beforeTrain: it adds .*not prepared for that.*; in afterStep: it adds/,
    );
  });

  (hasNative ? it : it.skip)('tells of a tap that must not be captured (needs native TensorFlow)', async () => {
    /** Multiplies the loss by a host number that changes from step to step, with or without declaring it as an input. */
    const growing = (isDeclared: boolean) =>
      definePlugin({
        name: 'growing',
        version: '1.0.0',
        requires: { scope: stepScopeRef },
        setup({ hooks, scope }) {
          let iteration = 0;
          hooks.beforeStep.tap((step) => void ({ iteration } = step));
          const factor = isDeclared ? scope.value.input('growing/factor', () => 1 + iteration) : undefined;
          hooks.losses.tap(({ total_loss: loss }) => ({
            total_loss: (loss as tf.Scalar).mul(factor?.tensor() ?? 1 + iteration),
          }));
        },
      })();
    const report = await checkPluginContract({ plugin: () => growing(true) });
    expect(report.checks).toContainEqual({ what: 'computes the same captured', outcome: 'held', detail: 'losses' });
    await expect(checkPluginContract({ plugin: () => growing(false) })).rejects.toThrow(/growing: .*captured: /);
  });
});
